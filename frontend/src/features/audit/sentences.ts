import type { Schemas } from '$lib/api';
import { date, has, list, t, type Piece } from '$lib/i18n/index.svelte';
import * as all from '$lib/i18n/index.svelte';
import { check, cross, info, warning } from '$lib/ui/icons';
import { clock, enter, flows, key, mail, pen, plane, plus, shield, speech } from '$features/staff/icons';
import { mailWords } from '$features/approval/mails';

export type Event = Schemas['TimelineEvent'];
export type Sentence = { pieces: Piece[]; detail: string; icon: string; refused: boolean };

// Keys are made of names that come from the server, so their arguments cannot be typed; a test holds every name of the
// house against the words.
const say = t as (key: string, args?: Record<string, unknown>) => string;
const sayRich = all.rich as (key: string, args?: Record<string, unknown>) => Piece[];

/** What happened, as a sentence: whoever did it comes first, if it was a person. */
export function sentence(e: Event): Sentence {
  const d = e.data ?? {};
  const who = person(e);
  const args = {
    actor: who ?? '',
    what: text(d.title) || text(d.name),
    name: text(d.name),
    flow: text(d.flow) || text(d.reference),
    reference: text(d.reference),
    version: Number(d.version) || 0,
    stage: Number(d.stage) || 0,
    by: text(d.by),
    until: day(d.until) || t('event.noend'),
    kind: text(d.kind) || 'other',
  };
  const own = `event.${e.name}`;
  const pieces = who && has(`${own}.by`) ? sayRich(`${own}.by`, args) : [known(own, e.name, args)];
  return { pieces, detail: detailOf(e, d), icon: iconOf(e), refused: e.result === 'refused' };
}

function known(own: string, name: string, args: Record<string, unknown>): string {
  return has(own) ? say(own, args) : name;
}

/** The name of whoever acted, if it was somebody. */
export function person(e: Event): string | undefined {
  const { kind, name } = e.actor ?? { kind: 'system' };
  return kind === 'system' ? undefined : name || undefined;
}

const WHY: Record<string, string> = {
  wrong_or_expired: 'why.code',
  too_many_tries: 'why.tries',
  own_request: 'why.own',
  access_ended: 'why.ended',
};

function detailOf(e: Event, d: Record<string, unknown>): string {
  const parts = [
    e.name === 'notification.failed' ? mailWords(text(d.kind)) : '',
    e.name === 'approval.denied' || e.name === 'notification.failed' ? quoted(d.reason) : '',
    d.via ? t('event.via', { flow: text(d.via) }) : '',
    e.name === 'directory.guest_admitted' && d.flow ? t('event.via', { flow: text(d.flow) }) : '',
    /grant_(added|extended)|guest_admitted/.test(e.name) && d.until
      ? t('event.until', { date: day(d.until) })
      : '',
    d.was ? t('event.was', { date: day(d.was) }) : '',
    Array.isArray(d.fields) ? list(d.fields.map(fieldWords)) : '',
    Array.isArray(d.scopes) ? list(d.scopes.map(String)) : '',
    whyWords(text(d.why)),
    methodWords(text(d.method)),
  ];
  return parts.filter(Boolean).reduce((a, b) => (a ? t('event.join', { a, b }) : b), '');
}

function whyWords(why: string): string {
  const key = WHY[why];
  return key ? say(key) : why;
}

function methodWords(method: string): string {
  const key = `method.${method}`;
  return has(key) ? say(key) : method;
}

function fieldWords(field: unknown): string {
  const key = `guest.field.${String(field)}`;
  return has(key) ? say(key) : String(field);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const quoted = (value: unknown): string => (text(value) ? t('facts.quote', { text: text(value) }) : '');

function day(value: unknown): string {
  const at = new Date(text(value));
  return text(value) && !Number.isNaN(at.getTime()) ? date(at) : '';
}

const ICONS: [RegExp, string][] = [
  [/approval\.(approved|passed)/, check],
  [/approval\.(asked|answered)/, speech],
  [/approval\.(denied|withdrawn)/, cross],
  [/approval\.expired|extended/, clock],
  [/grant_missing|\.failed|refused|codes_paused|wrong_codes/, warning],
  [/signup\.submitted/, plane],
  [/proved|accepted|set_up/, shield],
  [/guest_updated|_put|tenant_set/, pen],
  [/grant_added|guest_admitted|member_added/, plus],
  [/signed_(in|out)/, enter],
  [/key_/, key],
  [/flow\./, flows],
  [/signup\.started/, mail],
];

const iconOf = (e: Event): string => ICONS.find(([name]) => name.test(e.name))?.[1] ?? info;
