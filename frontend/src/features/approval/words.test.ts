import { beforeAll, describe, expect, it } from 'vitest';
import type { Schemas } from '$lib/api';
import { date, loadStaffWords } from '$lib/i18n/index.svelte';
import { answerText, attributeText } from './answers';
import { accessDays, evidenceWords, outcome, whyNotWords } from './words';

beforeAll(loadStaffWords);

const approval = (more: Partial<Schemas['Approval']>): Schemas['Approval'] => ({
  id: 'req_1',
  version: 3,
  reference: '7KQ-42M-9',
  state: 'pending',
  applicant: { email: 'maria@fabrikam.de' },
  flow: { slug: 'supplier', title: 'Supplier access', version: 1 },
  submittedAt: '2026-11-19T14:06:00Z',
  risk: 'low',
  stage: 1,
  stages: 1,
  answers: [],
  consents: [],
  grants: [],
  evidence: [],
  messages: [],
  history: [],
  deliveries: [],
  canDecide: true,
  ...more,
});

describe('what an approver reads', () => {
  const codes: Schemas['Evidence']['code'][] = [
    'address_proved',
    'colleagues_active',
    'named_you',
    'named_other',
    'first_request',
    'earlier_approved',
    'earlier_denied',
    'personal_domain',
    'new_organisation',
  ];
  it.each(codes)('evidence %s is a sentence, not a code', (code) => {
    const { text } = evidenceWords({
      code,
      level: 'fact',
      value: 'fabrikam.de',
      count: 4,
      at: '2026-11-19T14:06:00Z',
    });
    expect(text).not.toContain('_');
    expect(text.length).toBeGreaterThan(10);
  });

  it('an evidence that is not known yet is shown as it came', () => {
    const unknown = { code: 'moon_phase', level: 'fact', value: 'full' } as unknown as Schemas['Evidence'];
    expect(evidenceWords(unknown).text).toBe('full');
  });

  it('nothing is in the way of an open request', () => {
    expect(whyNotWords(approval({}))).toBeUndefined();
  });

  it('one’s own request is said to be one’s own', () => {
    expect(whyNotWords(approval({ canDecide: false, whyNot: 'own_request' }))).toContain('own request');
  });

  it('a decided one names who and when', () => {
    const decisions = [
      { decision: 'approve' as const, by: 'Ana Ruiz', at: '2026-11-19T14:20:00Z', stage: 1 },
    ];
    expect(outcome(approval({ state: 'active', decisions, canDecide: false }))).toContain('Ana Ruiz');
  });

  it('a withdrawn one says so, whatever else stands in it', () => {
    expect(whyNotWords(approval({ state: 'withdrawn', canDecide: false, whyNot: 'closed' }))).toContain(
      'took this request back',
    );
  });

  it('the length of the access is in whole days, at least one, and none without an end', () => {
    const now = new Date('2026-11-19T14:00:00Z');
    expect(accessDays('2027-05-18T14:00:00Z', now)).toBe(180);
    expect(accessDays('2026-11-19T15:00:00Z', now)).toBe(1);
    expect(accessDays(undefined, now)).toBe(0);
  });

  it('answers read as words', () => {
    const say = (type: string, value: unknown, display?: string) =>
      answerText({ name: 'x', label: 'X', type, value, display });
    expect(say('checkbox', true)).toBe('Yes');
    expect(say('country', 'DE')).toBe('Germany');
    expect(say('date', '2026-11-30')).toBe(date('2026-11-30T12:00:00'));
    expect(say('choice', 'hh', 'Hamburg')).toBe('Hamburg');
    expect(say('choices', ['a', 'b'])).toBe('a and b');
    expect(say('text', '')).toBe('');
  });

  it('what the directory keeps of answers reads as words', () => {
    const say = (value: string, type?: string) => attributeText({ name: 'x', type, value });
    expect(say('DE', 'country')).toBe('Germany');
    expect(say('2026-11-30', 'date')).toBe(date('2026-11-30T12:00:00'));
    expect(say('Hamburg', 'choice')).toBe('Hamburg');
    expect(say('DE')).toBe('DE');
  });
});
