/**
 * The one way to the server: typed by the contract (`npm run gen`), same origin, JSON, in the reader's language.
 *
 *   const flow = await get(api.GET('/api/v1/flows/{slug}', { params: { path: { slug } } }));
 *
 * `get` gives the body or throws a Problem. Only reads are tried again by themselves; a write that creates something
 * carries the key of its form (`headers: form.key()`), so pressing twice makes one request.
 */
import createClient from 'openapi-fetch';
import { locale } from '$lib/i18n/index.svelte';
import { Problem, problemOf } from './problem';
import type { components, paths } from './schema.gen';

export { Problem, asProblem, type FieldError } from './problem';
export type Schemas = components['schemas'];

const RETRIES = 2;
const PAUSE_MS = 400;

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: send });

async function send(request: Request): Promise<Response> {
  request.headers.set('Accept-Language', locale());
  for (let left = request.method === 'GET' ? RETRIES : 0; ; left--) {
    try {
      const response = await fetch(request.clone());
      if (response.status !== 503 || left === 0) return response;
    } catch (cause) {
      if (request.signal.aborted) throw cause;
      if (left === 0) throw new Problem(0);
    }
    await new Promise((resume) => setTimeout(resume, PAUSE_MS * (RETRIES - left + 1)));
  }
}

/** The body of an answer; throws a Problem for everything that is not 2xx. */
export async function get<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw new Problem(response.status, (error ?? {}) as object, response.headers);
}

export { problemOf };
