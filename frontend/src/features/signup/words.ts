/** Between what is typed and what is sent, and between codes and sentences. */
import type { Schemas } from '$lib/api';
import { country, date, has, list, number, t } from '$lib/i18n/index.svelte';
import { latinDigits } from '$lib/ui/digits';
import type { FieldErrors } from '$lib/form/form.svelte';
import { fieldsOf, type Answers, type Field, type Flow, type Mistake } from './check';

/** Typed text as the contract's values: numbers become numbers, a web address gets its https://. */
export function toSend(flow: Pick<Flow, 'pages'>, typed: Answers): Answers {
  const out: Answers = {};
  for (const field of fieldsOf(flow)) {
    const raw = typed[field.name];
    if (raw === undefined || raw === null) continue;
    out[field.name] = typeof raw === 'string' ? fromText(field, raw) : raw;
  }
  return out;
}

function fromText(field: Field, raw: string): unknown {
  const text = raw.trim();
  if (text === '') return undefined;
  if (field.type === 'number') return parseNumber(text) ?? text;
  if (field.type === 'url' && /^[^\s:/]+\.[^\s:/]+/.test(text) && !text.includes('://'))
    return `https://${text}`;
  return raw;
}

/** “1.250,5”, “1,250.5”, “١٢٫٥”: the last separator is the decimal one, unless it groups by three. */
export function parseNumber(text: string): number | undefined {
  let plain = latinDigits(text)
    .replace(/[\s'’\u00a0\u202f٬]/g, '')
    .replace('٫', '.');
  const marks = plain.match(/[.,]/g) ?? [];
  if (marks.length > 1) {
    const last = Math.max(plain.lastIndexOf('.'), plain.lastIndexOf(','));
    const alike = marks.every((m) => m === marks[0]);
    plain = alike
      ? plain.replace(/[.,]/g, '')
      : `${plain.slice(0, last).replace(/[.,]/g, '')}.${plain.slice(last + 1)}`;
  } else plain = plain.replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : undefined;
}

/** The id of the box of some terms. */
export const consentName = (id: string): string => `consent-${id}`;

/** A mistake as a sentence that says how to put it right. */
export function sentence({ code, field, terms }: Mistake): string {
  if (terms) return t('check.consent', { title: terms.title });
  if (!field) return t('problem.unexpected');
  const { label } = field;
  switch (code) {
    case 'answer_missing':
      return field.missing || t(MISSING[field.type] ?? 'check.missing', { label });
    case 'answer_too_short':
      return t('check.short', { label, n: field.minLength ?? 1 });
    case 'answer_too_long':
      return t('check.long', { label, n: greatestLength(field) });
    case 'answer_number_low':
      return t('check.min', { label, n: number(field.min ?? 0) });
    case 'answer_number_high':
      return t('check.max', { label, n: number(field.max ?? 0) });
    case 'answer_number':
    case 'answer_type':
      return t(field.wholeNumber ? 'check.whole' : 'check.number', { label });
    case 'answer_date_early':
      return t('check.early', { label, date: date(field.minDate ?? '') });
    case 'answer_date_late':
      return t('check.late', { label, date: date(field.maxDate ?? '') });
    default: {
      const key = `check.${code}`;
      return t(has(key) ? (key as 'check.answer_email') : 'check.value', { label });
    }
  }
}

const MISSING: Partial<Record<Field['type'], 'check.choose' | 'check.confirm'>> = {
  choice: 'check.choose',
  choices: 'check.choose',
  country: 'check.choose',
  checkbox: 'check.confirm',
};

const greatestLength = (field: Field): number => field.maxLength ?? (field.type === 'longText' ? 2000 : 200);

/** Sentences by field, in the order of the page. */
export const toErrors = (mistakes: Mistake[]): FieldErrors =>
  Object.fromEntries(
    mistakes.map((m) => [m.terms ? consentName(m.terms.id) : (m.field?.name ?? m.pointer), sentence(m)]),
  );

/** A field's name, or a consent's, from a pointer of the server. */
export function nameOf(pointer: string): string {
  const [, kind, name = ''] = pointer.split('/');
  const plain = name.replaceAll('~1', '/').replaceAll('~0', '~');
  return kind === 'consents' ? consentName(plain) : plain;
}

/** An answer as a person reads it. */
export function shown(field: Field, value: unknown): string {
  const labelOf = (v: unknown) => field.options?.find((o) => o.value === v)?.label ?? String(v);
  if (value === undefined || value === null || value === '') return t('review.none');
  if (Array.isArray(value)) return list(value.map(labelOf));
  if (typeof value === 'boolean') return t(value ? 'details.yes' : 'details.no');
  if (typeof value === 'number') return number(value);
  if (field.type === 'choice') return labelOf(value);
  if (field.type === 'country') return country(String(value));
  if (field.type === 'date') return date(String(value));
  return String(value);
}

/** The pages on which something is asked. */
export const askedPages = (flow: Pick<Flow, 'pages'>, asked: Set<string>): Schemas['FlowPage'][] =>
  flow.pages.filter((p) => p.fields.some((f) => asked.has(f.name))) as Schemas['FlowPage'][];
