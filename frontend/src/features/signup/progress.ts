import type { Schemas } from '$lib/api';
import { t } from '$lib/i18n/index.svelte';
import type { ProgressStep } from '$lib/ui/Progress.svelte';
import type { Step } from './journey.svelte';

type Flow = Schemas['Flow'];

/** The steps of a flow for the aside; `at` is the present one, nothing for the preview on the first page. */
export function progress(flow: Flow, company: string, at?: Step, email?: string): ProgressStep[] {
  const order: Step[] = ['email', 'details', 'review'];
  const now = at === 'code' ? 0 : at ? order.indexOf(at) : -1;
  const state = (i: number) =>
    (i < now ? 'done' : i === now ? 'current' : undefined) as ProgressStep['state'];
  const preview = at === undefined;
  return [
    {
      title: t('step.email'),
      state: state(0),
      note: preview ? t('step.email.note') : now > 0 ? email : undefined,
    },
    {
      title: t('step.details'),
      state: state(1),
      note: preview ? t('step.details.note', { n: questions(flow) }) : undefined,
    },
    { title: t('step.review'), state: state(2), note: preview ? t('step.review.note') : undefined },
    flow.decision.automatic
      ? { title: t('step.automatic'), note: preview ? t('step.automatic.note') : undefined }
      : { title: t('step.decides', { company }), note: preview ? t('step.decides.note') : undefined },
  ];
}

/** How many questions everybody is asked; those that another answer opens are not counted. */
const questions = (flow: Flow): number => flow.pages.flatMap((p) => p.fields).filter((f) => !f.when).length;
