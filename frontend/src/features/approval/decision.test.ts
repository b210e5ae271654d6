import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { render, screen } from '@testing-library/svelte';
import { loadStaffWords } from '$lib/i18n/index.svelte';
import { toasts } from '$lib/ui';
import { Decision } from './decision.svelte';
import DecisionBar from './DecisionBar.svelte';

beforeAll(loadStaffWords);

const REQUEST = {
  id: 'req_1',
  version: 3,
  reference: '7KQ-42M-9',
  state: 'pending',
  applicant: { name: 'Maria Lindqvist', email: 'maria@fabrikam.de' },
  stage: 1,
  stages: 1,
  canDecide: true,
};
type Call = { method: string; path: string; body: unknown; key: string | undefined };
let calls: Call[];
let answers: Record<string, { status: number; body: unknown }>;

beforeEach(() => {
  calls = [];
  answers = { GET: { status: 200, body: REQUEST } };
  sessionStorage.clear();
  vi.stubGlobal('fetch', async (path: string, init: RequestInit = {}) => {
    const headers = init.headers as Record<string, string> | undefined;
    const body: unknown = init.body ? JSON.parse(String(init.body)) : undefined;
    calls.push({ method: init.method ?? 'GET', path, body, key: headers?.['Idempotency-Key'] });
    const { status, body: answer } = answers[`${init.method} ${path}`] ??
      answers.GET ?? { status: 404, body: {} };
    return new Response(JSON.stringify(answer), { status, headers: { 'Content-Type': 'application/json' } });
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Answers wait on their way until `arrives`; those to what is asked after `over` don't. */
function slowLine() {
  const fast = fetch;
  let arrives = () => {};
  const arrived = new Promise<void>((resolve) => (arrives = resolve));
  vi.stubGlobal('fetch', async (...call: Parameters<typeof fetch>) => {
    const answer = await fast(...call);
    await arrived;
    return answer;
  });
  return { over: () => vi.stubGlobal('fetch', fast), arrives };
}

const writes = () => calls.filter((c) => c.method === 'POST');
const decide = 'POST /api/v1/approvals/req_1/decision';

describe('deciding', () => {
  it('approves at once, with a key that makes pressing twice harmless, and says so', async () => {
    answers[decide] = { status: 200, body: { ...REQUEST, state: 'active' } };
    const changed = vi.fn();
    await new Decision('req_1', changed).approve();
    expect(writes().map((c) => c.body)).toEqual([{ decision: 'approve' }]);
    expect(writes()[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(changed).toHaveBeenCalledOnce();
    expect(toasts.list.at(-1)?.text).toContain('Maria Lindqvist');
  });

  it('sends one request however fast it is pressed', async () => {
    answers[decide] = { status: 200, body: REQUEST };
    const decision = new Decision('req_1', () => {});
    await Promise.all([decision.approve(), decision.approve()]);
    expect(writes()).toHaveLength(1);
  });

  it('ends the access on the last second of the chosen day', async () => {
    answers[decide] = { status: 200, body: REQUEST };
    const decision = new Decision('req_1', () => {});
    decision.until = '2027-01-31';
    await decision.approve(true);
    expect(writes()[0]?.body).toEqual({
      decision: 'approve',
      until: new Date('2027-01-31T23:59:59').toISOString(),
    });
  });

  it('denies nobody without a reason', async () => {
    const decision = new Decision('req_1', () => {});
    decision.reason = '   ';
    await decision.deny();
    expect(decision.form.errors.reason).toBe('Write the reason');
    expect(writes()).toEqual([]);
  });

  it('sends the reason, whether it is shared, and a note only if there is one', async () => {
    answers[decide] = { status: 200, body: { ...REQUEST, state: 'denied' } };
    const decision = new Decision('req_1', () => {});
    Object.assign(decision, { reason: ' No contract ', share: false });
    await decision.deny();
    expect(writes()[0]?.body).toEqual({ decision: 'deny', reason: 'No contract', shareReason: false });
  });

  it('shows how it stands when somebody else was first, and keeps what was typed', async () => {
    answers[decide] = {
      status: 409,
      body: { code: 'already_decided', detail: 'Ana Ruiz has decided this request already.' },
    };
    answers.GET = { status: 200, body: { ...REQUEST, state: 'active', canDecide: false } };
    const changed = vi.fn();
    const decision = new Decision('req_1', changed);
    decision.reason = 'Long thoughts';
    await decision.deny();
    expect(decision.overtaken).toContain('Ana Ruiz');
    expect(decision.typed).toBe('Long thoughts');
    expect(decision.approval?.state).toBe('active');
    expect(changed).toHaveBeenCalledOnce();
  });

  it('decides about what was read, and learns when that has changed', async () => {
    answers[decide] = {
      status: 412,
      body: { code: 'request_changed', detail: 'The request has changed since you opened it.' },
    };
    const decision = new Decision('req_1', () => {});
    await decision.read();
    answers.GET = { status: 200, body: { ...REQUEST, version: 4 } };
    decision.open('deny');
    decision.reason = 'Long thoughts';
    await decision.deny();
    expect(writes()[0]?.body).toMatchObject({ version: 3 });
    expect([decision.overtaken, decision.approval?.version, decision.panel, decision.reason]).toEqual([
      'The request has changed since you opened it.',
      4,
      'deny',
      'Long thoughts',
    ]);
  });

  it('says so when a quiet read brings something new', async () => {
    const decision = new Decision('req_1', () => {});
    await decision.read();
    await decision.read();
    expect(decision.news).toBe(false);
    answers.GET = { status: 200, body: { ...REQUEST, version: 4 } };
    await decision.read();
    expect(decision.news).toBe(true);
  });

  it('keeps what was typed in sight when a quiet read brings the decision of somebody else', async () => {
    const decision = new Decision('req_1', () => {});
    await decision.read();
    decision.open('deny');
    decision.reason = 'Long thoughts';
    answers.GET = { status: 200, body: { ...REQUEST, version: 4, state: 'active', canDecide: false } };
    const approval = await decision.read();
    render(DecisionBar, { decision, approval });
    expect(screen.getByText('Long thoughts')).toBeTruthy();
  });

  it('a read that was asked for before the decision does not take it back', async () => {
    answers[decide] = { status: 200, body: { ...REQUEST, version: 4, state: 'active', canDecide: false } };
    const decision = new Decision('req_1', () => {});
    await decision.read();
    const late = slowLine();
    const asked = decision.read();
    late.over();
    await decision.approve();
    late.arrives();
    await asked;
    expect([decision.approval?.state, decision.news]).toEqual(['active', false]);
  });

  it('has what was typed again after a sign-in in between', async () => {
    answers[decide] = { status: 503, body: { code: 'database_unavailable', detail: 'Later.' } };
    const decision = new Decision('req_1', () => {});
    decision.open('deny');
    decision.reason = 'Long thoughts';
    await decision.deny();
    const after = new Decision('req_1', () => {});
    expect([after.panel, after.reason]).toEqual(['deny', 'Long thoughts']);
  });

  it('asks one question at a time', () => {
    const decision = new Decision('req_1', () => {});
    decision.approval = { ...REQUEST, state: 'needs_info' } as unknown as Decision['approval'];
    decision.open('ask');
    expect(decision.panel).toBe('none');
  });
});
