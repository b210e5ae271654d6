/** The states of a request in words, for its applicant. */
import type { Schemas } from '$lib/api';
import { date, has, list, t, time, weekday, type Key } from '$lib/i18n/index.svelte';
import type { TrackStep } from '$lib/ui/Tracker.svelte';

type View = Schemas['RequestView'];
type Names = { company: string; team: string };

export const teamOf = (view: View, company: string): string => view.team || t('request.team', { company });

/** The heading is the state. */
export function title(view: View, { company, team }: Names): string {
  if (view.state === 'pending') return t('request.title.pending', { team });
  if (view.state === 'needs_info') return t('request.title.needs_info', { team: team });
  if (view.state === 'denied') return t('request.title.denied', { company });
  return t(`request.title.${view.state}`);
}

/** What to know beside the heading, one sentence each. */
export function text(view: View, { team }: Names): string[] {
  const mail = t('request.text.mail', { email: view.email });
  const until = view.endsAt ? [t('request.text.until', { date: date(view.endsAt) })] : [];
  const decided = { team: team, date: view.decidedAt ? date(view.decidedAt) : '' };
  switch (view.state) {
    case 'submitted':
    case 'pending':
      return [mail];
    case 'needs_info':
      return [];
    case 'approved':
    case 'provisioning':
      return [t('request.text.approved'), ...until];
    case 'active':
      return [t('request.text.active', { email: view.email }), ...until];
    case 'denied':
      return [t(view.reason ? 'request.text.denied.reason' : 'request.text.denied', decided)];
    default:
      return [t(`request.text.${view.state}`)];
  }
}

/** “Friday 20 November, 17:00 CET”: the team may sit in another zone. */
export const dueWords = (due: string): string => t('moment', { day: weekday(due), time: time(due, true) });

export const dueIsPast = (due: string): boolean => Date.parse(due) < Date.now();

/** The tracker's steps in words. */
export function track(view: View, names: Names): TrackStep[] {
  return view.steps.map((step) => ({
    id: step.id,
    state: step.state,
    at: step.at,
    title: stepTitle(view, step, names),
    text: stepText(view, step),
  }));
}

type Step = View['steps'][number];

function stepTitle(view: View, step: Step, { team }: Names): string {
  if (step.id !== 'decision') return t(`request.step.${step.id}`);
  const ended = `request.step.decision.${view.state}`;
  if (step.state === 'stopped' && has(ended)) return t(ended as Key & 'request.step.decision.denied');
  if (step.state === 'done') return t('request.step.decision.approved');
  return t('request.step.decision', { team });
}

function stepText(view: View, step: Step): string | undefined {
  if (step.id === 'received') return t('request.step.received.text', { n: view.answers.length });
  if (step.id === 'decision' && view.state === 'needs_info') return t('request.step.decision.asked');
  if (step.id === 'access' && step.state === 'current') return t('request.step.access.text');
  if (step.id === 'ready' && view.apps.length) return list(view.apps.map((a) => a.name));
  return undefined;
}
