import type { Schemas } from '$lib/api';
import { daysFromToday } from '$lib/i18n/index.svelte';

export type App = Schemas['MyApp'];
const SOON_DAYS = 30;

/** Lower case without accents, so that “gdansk” finds “Gdańsk”. */
const plain = (s: string) => s.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();

export function matches(app: App, search: string): boolean {
  const text = plain([app.name, app.description, app.collection, app.owner].filter(Boolean).join(' '));
  return plain(search)
    .trim()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Collections in the order of the server, apps without one last. */
export function collections(apps: App[]): { name: string; apps: App[] }[] {
  const out = new Map<string, App[]>();
  for (const app of apps) out.set(app.collection ?? '', [...(out.get(app.collection ?? '') ?? []), app]);
  const rest = out.get('');
  out.delete('');
  return [...out, ...(rest ? [['', rest] as const] : [])].map(([name, list]) => ({ name, apps: [...list] }));
}

/** What ends within 30 days, soonest first. */
export const endingSoon = (apps: App[]): (App & { until: string })[] =>
  apps
    .filter((a): a is App & { until: string } => a.until !== undefined && daysFromToday(a.until) <= SOON_DAYS)
    .sort((a, b) => a.until.localeCompare(b.until));
