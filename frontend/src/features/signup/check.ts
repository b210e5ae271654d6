/**
 * The rules of a flow's answers, as the server has them: what is asked, what is missing, what is not accepted, and how an
 * answer is written when it is kept. Pure; both sides pass backend/internal/flow/testdata/check_vectors.json.
 */
import type { Schemas } from '$lib/api';
import { cleanValue, type Cleaned } from './values';

export type Flow = Pick<Schemas['Flow'], 'pages'> & { terms?: Schemas['Terms'][] };
export type Field = Schemas['FlowField'];
export type Answers = Record<string, unknown>;
export type Consent = { terms: string; version: string };

/** One thing to correct. `field` or `terms` is what it is about, unless the name is unknown. */
export type Mistake = { pointer: string; code: string; field?: Field; terms?: Schemas['Terms'] };
export type Checked = { mistakes: Mistake[]; clean: Answers };

export const fieldsOf = (flow: Pick<Flow, 'pages'>): Field[] => flow.pages.flatMap((p) => p.fields);

const pointer = (...names: string[]) =>
  names.map((n) => `/${n.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** @param draft leaves out what is missing and drops answers to questions that are not asked. */
export function check(
  flow: Flow,
  answers: Answers,
  given?: { draft?: boolean; consents?: Consent[] },
): Checked {
  const draft = given?.draft ?? false;
  const fields = fieldsOf(flow);
  const shown = visible(flow, answers);
  const mistakes: Mistake[] = [];
  const clean: Answers = {};

  for (const field of fields) {
    const at = pointer('answers', field.name);
    const raw = own(answers, field.name);
    if (!shown.has(field.name)) {
      if (!draft && !blank(raw)) mistakes.push({ pointer: at, code: 'answer_not_asked', field });
      continue;
    }
    const { code, value } = cleanValue(field, raw);
    if (code) mistakes.push({ pointer: at, code, field });
    else if (missing(field, value) && !draft) mistakes.push({ pointer: at, code: 'answer_missing', field });
    else if (value !== undefined) clean[field.name] = value;
  }
  const known = new Set(fields.map((f) => f.name));
  for (const name of Object.keys(answers).sort()) {
    if (!known.has(name)) mistakes.push({ pointer: pointer('answers', name), code: 'field_unknown' });
  }
  if (!draft) mistakes.push(...checkConsents(flow.terms ?? [], given?.consents ?? []));
  return { mistakes, clean };
}

const missing = (field: Field, value: unknown) => field.required && (value === undefined || value === false);

/** White space, null and an empty list say nothing. */
const blank = (raw: unknown) =>
  raw === undefined ||
  raw === null ||
  (typeof raw === 'string' && raw.trim() === '') ||
  (Array.isArray(raw) && raw.length === 0);

/** Never a property that every object has. */
const own = (answers: Answers, name: string): unknown =>
  Object.hasOwn(answers, name) ? answers[name] : undefined;

function checkConsents(terms: Schemas['Terms'][], consents: Consent[]): Mistake[] {
  const out: Mistake[] = [];
  for (const t of terms) {
    const mine = consents.filter((c) => c.terms === t.id);
    if (mine.some((c) => c.version === t.version)) continue;
    const code = mine.length ? 'consent_version' : 'consent_missing';
    out.push({ pointer: pointer('consents', t.id), code, terms: t });
  }
  for (const c of consents) {
    if (!terms.some((t) => t.id === c.terms)) {
      out.push({ pointer: pointer('consents', c.terms), code: 'field_unknown' });
    }
  }
  return out;
}

/** The names of the questions that are asked, given these answers. */
export function visible(flow: Pick<Flow, 'pages'>, answers: Answers): Set<string> {
  const fields = fieldsOf(flow);
  const decided = new Map<string, boolean>();

  const value = (name: string): unknown => {
    const field = fields.find((f) => f.name === name);
    if (!field || !isShown(field)) return undefined;
    const { code, value: v }: Cleaned = cleanValue(field, own(answers, name));
    return code ? undefined : v;
  };
  const isShown = (field: Field): boolean => {
    const known = decided.get(field.name);
    if (known !== undefined) return known;
    decided.set(field.name, false); // A circle is refused when a flow is published; here it only must not hang.
    const shown = !field.when || holds(field.when, value);
    decided.set(field.name, shown);
    return shown;
  };
  return new Set(fields.filter(isShown).map((f) => f.name));
}

type When = NonNullable<Field['when']>;

/** Whether a condition holds. No answer is equal to nothing; a list is everything that it holds. */
export function holds(when: When, value: (name: string) => unknown): boolean {
  if (when.all) return when.all.every((w) => holds(w, value));
  if (when.any) return when.any.some((w) => holds(w, value));
  if (when.field === undefined) return true;
  const v = value(when.field);
  const equals = (x: unknown) => v !== undefined && (Array.isArray(v) ? v.includes(x) : v === x);
  if (when.answered !== undefined) return (v !== undefined && v !== false) === when.answered;
  if ('is' in when) return equals(when.is);
  if ('isNot' in when) return !equals(when.isNot);
  return (when.in ?? []).some(equals);
}
