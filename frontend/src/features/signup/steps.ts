import type { Schemas } from '$lib/api';
import { check, visible } from './check';
import type { Journey, Step } from './journey.svelte';
import { askedPages } from './words';

type Flow = Schemas['Flow'];

/** The address of a step; of the details, the first page that has something to correct. */
export function pathTo(journey: Journey, flow: Flow, step: Step | 'request'): string {
  const base = `/join/${journey.slug}`;
  if (step === 'request') return `/requests/${journey.signup?.reference ?? ''}`;
  if (step !== 'details') return `${base}/${step}`;
  return detailsPath(journey, firstOpenPage(journey, flow));
}

export const detailsPath = (journey: Journey, page: string): string =>
  `/join/${journey.slug}/details/${encodeURIComponent(page)}`;

function firstOpenPage(journey: Journey, flow: Flow): string {
  const answers = journey.asked(flow);
  const pages = askedPages(flow, visible(flow, answers));
  const wrong = new Set(check({ pages: flow.pages }, answers).mistakes.map((m) => m.field?.name));
  return (
    (pages.find((p) => p.fields.some((f) => wrong.has(f.name))) ?? pages.at(-1) ?? flow.pages[0])?.id ?? ''
  );
}
