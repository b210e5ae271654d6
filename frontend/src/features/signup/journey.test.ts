import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem, type Schemas } from '$lib/api';
import { suggestion } from './email';
import { gone, Journey } from './journey.svelte';
import { opensBelow, rows } from './layout';
import { readTyped } from './store';
import { nameOf, parseNumber, toSend } from './words';

type Field = Schemas['FlowField'];
const field = (name: string, type: Field['type'], more: Partial<Field> = {}): Field => ({
  name,
  type,
  label: name,
  required: false,
  ...more,
});
const option = (value: string) => ({ value, label: value });
const why = field('why', 'choice', { required: true, options: ['deliver', 'maintain'].map(option) });
const site = field('site', 'text', { when: { field: 'why', is: 'maintain' } });
const people = field('people', 'number');
const flow = {
  slug: 'supplier',
  pages: [{ id: 'work', title: 'Work', fields: [why, site, people] }],
  terms: [{ id: 'use', version: '4', date: '2026-10-12', title: 'Terms', statement: 'I agree' }],
} as unknown as Schemas['Flow'];

const signup = (
  step: Schemas['Signup']['step'],
  more: Partial<Schemas['Signup']> = {},
): Schemas['Signup'] => ({
  id: 'sgn_1',
  flow: 'supplier',
  flowVersion: 1,
  step,
  expiresAt: '2026-11-28T00:00:00Z',
  ...more,
});
type Call = { method: string; path: string; body: unknown };
let calls: Call[] = [];
/** A server that answers each "METHOD /path" with a status and a body. */
function server(answers: Record<string, [number, unknown]>) {
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const path = url.replace(/^\/api\/v1/, '').replace(/\?.*/, '');
    calls.push({
      method: String(init.method),
      path,
      body: init.body ? JSON.parse(String(init.body)) : undefined,
    });
    const [status, body] = answers[`${init.method} ${path}`] ?? [404, { code: 'not_found' }];
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
}
beforeEach(() => {
  calls = [];
  sessionStorage.clear();
  localStorage.clear();
});
afterEach(() => vi.unstubAllGlobals());

describe('Journey', () => {
  it('a flow that is closed for now takes no sign-up from its browser', () => {
    expect(gone(new Problem(410, { code: 'flow_closed' }))).toBe(false);
    expect(gone(new Problem(410, { code: 'code_expired' }))).toBe(false);
    expect(gone(new Problem(401, { code: 'signup_gone' }))).toBe(true);
  });
  it.each([
    [null, 'review', 'email'],
    [signup('identity'), 'code', 'email'],
    [signup('code'), 'code', 'code'],
    [signup('code'), 'details', 'email'],
    [signup('details'), 'review', 'review'],
    [signup('details'), 'email', 'details'],
    [signup('request'), 'review', 'request'],
  ] as const)('with %o, %s leads to %s', (now, asked, shown) => {
    const journey = new Journey('supplier');
    journey.signup = now;
    expect(journey.place(asked)).toBe(shown);
  });

  it('giving the address begins a sign-up only when there is none', async () => {
    const sent = { step: 'code', codeLength: 6, expiresAt: 'x', resendAt: 'y' };
    server({ 'POST /signups': [201, signup('identity')], 'POST /signups/sgn_1/email': [202, sent] });
    const journey = new Journey('supplier');
    await journey.giveEmail('m@fabrikam.de', {});
    await journey.giveEmail('maria@fabrikam.de', {});
    expect(calls.map((c) => c.path)).toEqual(['/signups', '/signups/sgn_1/email', '/signups/sgn_1/email']);
    expect(journey.signup).toMatchObject({ step: 'code', codeLength: 6, email: 'maria@fabrikam.de' });
  });

  it('what was typed here wins over the older draft, and what was not comes from it', async () => {
    server({
      'POST /signups/sgn_1/code': [200, signup('details', { answers: { site: 'Rotterdam', people: 3 } })],
    });
    const journey = new Journey('supplier');
    journey.signup = signup('code');
    journey.answers = { site: 'Hamburg' };
    await journey.prove('482913');
    expect(journey.answers).toEqual({ site: 'Hamburg', people: 3 });
  });

  it('saves what changed and is well-formed, and takes back what is no longer asked', async () => {
    server({
      'POST /signups/sgn_1/code': [200, signup('details', { answers: { why: 'maintain', site: 'Hamburg' } })],
      'PATCH /signups/sgn_1': [200, signup('details', { savedAt: '2026-11-19T13:05:00Z' })],
    });
    const journey = new Journey('supplier');
    journey.signup = signup('code');
    await journey.prove('482913');
    Object.assign(journey.answers, { why: 'deliver', people: 'three' });
    await journey.saveDraft(flow);
    await journey.saveDraft(flow);
    expect(calls.slice(1)).toEqual([
      { method: 'PATCH', path: '/signups/sgn_1', body: { answers: { why: 'deliver', site: null } } },
    ]);
    expect(journey.draft).toBe('saved');
  });

  it('an answer from before the code was typed does not lead back to it', async () => {
    server({
      'GET /signups/current': [200, { signup: signup('code') }],
      'POST /signups/sgn_1/code': [200, signup('details')],
    });
    const journey = new Journey('supplier');
    journey.signup = signup('code');
    const fast = fetch;
    let arrives = () => {};
    const arrived = new Promise<void>((resolve) => (arrives = resolve));
    vi.stubGlobal('fetch', async (...call: Parameters<typeof fetch>) => {
      const answer = await fast(...call);
      await arrived;
      return answer;
    });
    const looked = journey.resume();
    vi.stubGlobal('fetch', fast);
    await journey.prove('482913');
    arrives();
    await looked;
    expect(journey.signup.step).toBe('details');
  });

  it('keeps everything when the server has forgotten the sign-up', async () => {
    server({ 'PATCH /signups/sgn_1': [401, { code: 'signup_unknown' }] });
    const journey = new Journey('supplier');
    journey.signup = signup('details');
    journey.answers = { why: 'deliver' };
    journey.keep(flow);
    await journey.saveDraft(flow);
    expect(journey.ended).toBe(true);
    expect(journey.place('details')).toBe('details');
    expect(readTyped('supplier').answers).toEqual({ why: 'deliver' });
  });

  it('sends only answers to questions that are asked, with the consents given, and then forgets them', async () => {
    server({
      'POST /signups/sgn_1/submit': [202, { reference: '7KQ-42M-9', state: 'submitted', statusUrl: '/x' }],
    });
    const journey = new Journey('supplier');
    journey.signup = signup('details');
    journey.answers = { why: 'deliver', site: 'left over', people: '٣' };
    journey.consents = { use: true };
    expect(await journey.submit(flow, { 'Idempotency-Key': 'k' })).toBe('7KQ-42M-9');
    expect(calls[0]?.body).toEqual({
      answers: { why: 'deliver', people: 3 },
      consents: [{ terms: 'use', version: '4' }],
    });
    expect(readTyped('supplier')).toEqual({});
  });
});

describe('how a page is laid out', () => {
  it('a question that hangs on one answer stands in its row', () => {
    expect([...opensBelow(why, [why, site])]).toEqual([['maintain', [site]]]);
    expect(rows([why, site, people])).toEqual([[why], [people]]);
  });
  it('given and family name stand beside each other', () => {
    const given = field('g', 'text', { autocomplete: 'given-name' });
    const family = field('f', 'text', { autocomplete: 'family-name' });
    expect(rows([given, family, people])).toEqual([[given, family], [people]]);
  });
});

describe('what is typed and what is sent', () => {
  it.each([
    ['3', 3],
    ['٣', 3],
    ['1,5', 1.5],
    ['1.250,5', 1250.5],
    ['1,250.5', 1250.5],
    ['1 250', 1250],
    ['1.250.000', 1250000],
    ['-0.5', -0.5],
    ['three', undefined],
    ['', undefined],
  ])('“%s” is the number %s', (text, want) => expect(parseNumber(text)).toBe(want));

  it('a web address gets its https://', () => {
    const web = { pages: [{ id: 'p', title: 'p', fields: [field('site', 'url')] }] };
    expect(toSend(web, { site: 'fabrikam.de/about' })).toEqual({ site: 'https://fabrikam.de/about' });
    expect(toSend(web, { site: 'http://fabrikam.de' })).toEqual({ site: 'http://fabrikam.de' });
    expect(toSend(web, { site: 'nonsense' })).toEqual({ site: 'nonsense' });
  });
  it('pointers of the server name fields and consents', () => {
    expect(nameOf('/answers/a~1b')).toBe('a/b');
    expect(nameOf('/consents/use')).toBe('consent-use');
  });
  it.each([
    ['maria@gmial.com', 'maria@gmail.com'],
    ['maria@gmail.co', 'maria@gmail.com'],
    ['maria@gmail.com', undefined],
    ['maria@fabrikam.de', undefined],
    ['maria', undefined],
  ])('%s probably means %s', (typed, meant) => expect(suggestion(typed)).toBe(meant));
});
