import { describe, expect, it, vi } from 'vitest';
import { Problem } from '$lib/api';
import { Form, lastPart } from './form.svelte';

const nothing = () => ({});

describe('Form', () => {
  it('does not send what the page itself can tell is wrong', async () => {
    const send = vi.fn();
    const form = new Form();
    expect(await form.submit(() => ({ email: 'Enter it' }), send)).toBe(false);
    expect(send).not.toHaveBeenCalled();
    expect(form.errors).toEqual({ email: 'Enter it' });
    expect(form.round).toBe(1);
  });
  it('a second press while the first is under way does nothing', async () => {
    const form = new Form();
    let finish = () => {};
    const send = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
    const first = form.submit(nothing, send);
    expect(await form.submit(nothing, send)).toBe(false);
    finish();
    expect(await first).toBe(true);
    expect(send).toHaveBeenCalledTimes(1);
  });
  it('repeats the same attempt when the answer was lost, and begins another after an answer', async () => {
    const form = new Form();
    const keys: string[] = [];
    const attempt = (fail?: Problem) =>
      form.submit(nothing, async () => {
        keys.push(form.key()['Idempotency-Key']);
        if (fail) throw fail;
      });
    await attempt(new Problem(0));
    await attempt(new Problem(503, { code: 'database_unavailable' }));
    await attempt(new Problem(422, { code: 'fields_invalid' }));
    await attempt();
    await attempt();
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).toBe(keys[0]);
    expect(keys[3]).not.toBe(keys[2]);
    expect(keys[4]).not.toBe(keys[3]);
  });
  it('shows the server’s errors at their fields', async () => {
    const form = new Form();
    const errors = [{ pointer: '/answers/company', code: 'answer_missing', detail: 'Enter your company' }];
    await form.submit(nothing, async () => {
      throw new Problem(422, { code: 'fields_invalid', errors });
    });
    expect(form.errors).toEqual({ company: 'Enter your company' });
    expect(form.problem).toBeUndefined();
  });
  it('a problem whose code names a field is shown there', async () => {
    const form = new Form({ codes: { code_wrong: 'code' } });
    await form.submit(nothing, async () => {
      throw new Problem(422, { code: 'code_wrong', detail: 'That code isn’t right.' });
    });
    expect(form.errors).toEqual({ code: 'That code isn’t right.' });
  });
  it('any other problem is shown above the form and leaves it usable', async () => {
    const form = new Form();
    await form.submit(nothing, async () => {
      throw new Problem(429, { code: 'too_many_requests', detail: 'Try again at 14:47.' });
    });
    expect(form.problem?.code).toBe('too_many_requests');
    expect(form.busy).toBe(false);
  });
  it('reads the last part of a JSON pointer', () => {
    expect(lastPart('/answers/a~1b~0c')).toBe('a/b~c');
  });
});
