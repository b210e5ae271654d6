import type { Schemas } from '$lib/api';
import { date, has, moment, t } from '$lib/i18n/index.svelte';

type Approval = Schemas['Approval'];
type Evidence = Schemas['Evidence'];

/** One line of evidence: the fact, and where it comes from. */
export function evidenceWords(e: Evidence): { text: string; source: string } {
  const value = e.value ?? '';
  switch (e.code) {
    case 'address_proved':
      return {
        text: t('evidence.address_proved', { value }),
        source: e.at ? moment(e.at) : t('evidence.source.proof'),
      };
    case 'colleagues_active':
      return {
        text: t('evidence.colleagues_active', { n: e.count ?? 0, value }),
        source: t('evidence.source.directory'),
      };
    case 'named_you':
      return { text: t('evidence.named_you'), source: t('evidence.source.answer') };
    case 'named_other':
      return { text: t('evidence.named_other', { value }), source: t('evidence.source.answer') };
    case 'first_request':
      return { text: t('evidence.first_request'), source: t('evidence.source.requests') };
    case 'earlier_approved':
      return { text: t('evidence.earlier_approved', { value }), source: e.at ? date(e.at, 'medium') : '' };
    case 'earlier_denied':
      return { text: t('evidence.earlier_denied', { value }), source: e.at ? date(e.at, 'medium') : '' };
    case 'personal_domain':
      return { text: t('evidence.personal_domain', { value }), source: t('evidence.source.address') };
    case 'new_organisation':
      return { text: t('evidence.new_organisation', { value }), source: t('evidence.source.directory') };
    default:
      return { text: value || e.code, source: e.at ? moment(e.at) : '' };
  }
}

/** A state from the server in one or two words. */
export function stateWords(state: Schemas['RequestState']): string {
  const key = `state.${state}`;
  return has(key) ? (t as (k: string) => string)(key) : state;
}

/** What happened to a request that is no longer open; undefined while it is. */
export function outcome(a: Approval): string | undefined {
  const last = a.decisions?.at(-1);
  switch (a.state) {
    case 'withdrawn':
      return t('outcome.withdrawn');
    case 'expired':
      return t('outcome.expired');
    case 'blocked':
      return t('outcome.blocked');
    case 'denied':
      return last ? t('outcome.denied', { by: last.by, when: lower(moment(last.at)) }) : t('state.denied');
    case 'submitted':
    case 'pending':
    case 'needs_info':
      return undefined;
    default:
      return last
        ? t('outcome.approved', { by: last.by, when: lower(moment(last.at)) })
        : t('state.approved');
  }
}

/** Why this person cannot decide, as a sentence. */
export function whyNotWords(a: Approval): string | undefined {
  const ended = outcome(a);
  if (ended) return ended;
  if (a.canDecide) return undefined;
  return t(`whynot.${a.whyNot ?? 'not_approver'}`);
}

/** Whole days from now until the access would end, at least one; 0 if it has no end. */
export function accessDays(endsAt: string | undefined, now = new Date()): number {
  return endsAt ? Math.max(1, Math.round((new Date(endsAt).getTime() - now.getTime()) / 86_400_000)) : 0;
}

/** “due today, 17:00”, “was due yesterday, 12:00”. */
export function dueWords(dueAt: string | undefined, now = new Date()): string | undefined {
  if (!dueAt) return undefined;
  const when = lower(moment(dueAt, now));
  return new Date(dueAt) < now ? t('due.past', { when }) : t('due', { when });
}

/** The same words inside a sentence. */
export const lower = (s: string) => s.charAt(0).toLowerCase() + s.slice(1);

/** The heading of a group of rows. */
export function dayWords(
  day: 'past' | 'none' | number,
  weekday: (d: Date) => string,
  now = new Date(),
): string {
  if (day === 'past') return t('group.past');
  if (day === 'none') return t('group.none');
  if (day === 0) return t('group.today');
  if (day === 1) return t('group.tomorrow');
  if (day === -1) return t('group.yesterday');
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + day);
  return Math.abs(day) < 7 ? weekday(at) : date(at);
}
