import { afterEach, describe, expect, it, vi } from 'vitest';
import { api, get, Problem } from './index';

const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  });
const stub = (...answers: (Response | Error)[]) => {
  const fetch = vi.fn((_url: string, _init: RequestInit): Promise<Response> => {
    const next = answers.shift() ?? new TypeError('no more answers');
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
  vi.stubGlobal('fetch', fetch);
  return fetch;
};
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('the way to the server', () => {
  it('fills path and query, and asks in the reader’s language', async () => {
    const fetch = stub(answer(200, { signup: null }));
    await get(api.GET('/api/v1/signups/current', { params: { query: { flow: 'a b' } } }));
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe('/api/v1/signups/current?flow=a+b');
    expect(new Headers(init?.headers).get('Accept-Language')).toBe('en');
  });
  it('escapes what stands in the path', async () => {
    const fetch = stub(answer(200, {}));
    await get(api.GET('/api/v1/flows/{slug}', { params: { path: { slug: '../me' } } }));
    expect(fetch.mock.calls[0]?.[0]).toBe('/api/v1/flows/..%2Fme');
  });
  it('a read is tried again when the line or the server fails for a moment', async () => {
    vi.useFakeTimers();
    const fetch = stub(new TypeError('network'), answer(503, {}), answer(200, { name: 'Contoso' }));
    const read = get(api.GET('/api/v1/tenant'));
    await vi.runAllTimersAsync();
    await expect(read).resolves.toEqual({ name: 'Contoso' });
    expect(fetch).toHaveBeenCalledTimes(3);
  });
  it('a write is never repeated by itself', async () => {
    const fetch = stub(new TypeError('network'));
    const sent = get(
      api.POST('/api/v1/signups', { body: { flow: 'supplier' }, headers: { 'Idempotency-Key': 'k' } }),
    );
    await expect(sent).rejects.toMatchObject({ code: 'offline', status: 0 });
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(new Headers(fetch.mock.calls[0]?.[1].headers).get('Idempotency-Key')).toBe('k');
  });
  it('a problem keeps its code, sentence, number and everything else it says', async () => {
    const body = {
      code: 'already_decided',
      detail: 'Ana approved this.',
      requestId: 'req_1',
      decidedBy: 'Ana',
      status: 409,
    };
    stub(answer(409, body));
    const failed = await get(api.GET('/api/v1/tenant')).catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(Problem);
    expect(failed).toMatchObject({
      code: 'already_decided',
      requestId: 'req_1',
      status: 409,
      extra: { decidedBy: 'Ana' },
    });
  });
  it('an answer that is no JSON still becomes a problem', async () => {
    stub(new Response('<html>', { status: 502, headers: { 'Request-Id': 'req_2' } }));
    await expect(get(api.GET('/api/v1/tenant'))).rejects.toMatchObject({
      code: 'unexpected',
      status: 502,
      requestId: 'req_2',
    });
  });
  it('an answer without content is nothing', async () => {
    stub(new Response(null, { status: 204 }));
    await expect(get(api.POST('/api/v1/signout'))).resolves.toBeUndefined();
  });
});
