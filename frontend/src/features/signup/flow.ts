import { api, get, type Schemas } from '$lib/api';
import { locale } from '$lib/i18n/index.svelte';

const read = new Map<string, Promise<Schemas['Flow']>>();

/** A flow as it is published now, in the reader's language; read once for the first page and the steps. */
export function readFlow(slug: string): Promise<Schemas['Flow']> {
  const key = `${slug} ${locale()}`;
  const known = read.get(key);
  if (known) return known;
  const reading = get(api.GET('/api/v1/flows/{slug}', { params: { path: { slug } } }));
  read.set(key, reading);
  reading.catch(() => read.delete(key));
  return reading;
}
