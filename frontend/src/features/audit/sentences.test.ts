import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { date, loadStaffWords, setLanguage } from '$lib/i18n/index.svelte';
import { byDay } from './days';
import { sentence, type Event } from './sentences';

const source = readFileSync('../backend/internal/audit/names.go', 'utf8');
const NAMES = [...source.matchAll(/^\t"([a-z]+\.[a-z_]+)":/gm)].map((m) => m[1] ?? '');
const event = (more: Partial<Event>): Event => ({
  id: 'evt_1',
  at: '2026-11-19T14:06:00Z',
  name: '',
  result: 'ok',
  ...more,
});
const words = (e: Event) =>
  sentence(e)
    .pieces.map((p) => (typeof p === 'string' ? p : p[1]))
    .join('');

beforeAll(loadStaffWords);

describe('the timeline', () => {
  it('knows the list of the house', () => expect(NAMES.length).toBeGreaterThan(25));

  for (const language of ['en', 'de', 'ar']) {
    it(`says every event in words: ${language}`, async () => {
      await setLanguage(language);
      const silent = NAMES.filter((name) => words(event({ name })) === name);
      await setLanguage('en');
      expect(silent).toEqual([]);
    });
  }

  it('puts a person first and leaves the portal out', () => {
    const approved = { name: 'approval.approved', data: { reference: '7KQ-42M-9' } };
    const ana = { kind: 'member' as const, name: 'Ana Ruiz' };
    expect(sentence(event({ ...approved, actor: ana })).pieces[0]).toEqual(['b', 'Ana Ruiz']);
    expect(words(event({ ...approved, actor: { kind: 'system' } }))).toBe(
      'Request 7KQ-42M-9 was approved by the flow itself',
    );
  });

  it('tells an app from a group', () => {
    const data = { name: 'drawings', title: 'Drawings library' };
    expect(words(event({ name: 'directory.grant_added', data: { ...data, kind: 'app' } }))).toBe(
      'Got Drawings library',
    );
    expect(words(event({ name: 'directory.grant_added', data: { ...data, kind: 'group' } }))).toBe(
      'Became a member of Drawings library',
    );
  });

  it('quotes the reason of a denial and names the length of a grant', () => {
    expect(sentence(event({ name: 'approval.denied', data: { reason: 'No contract' } })).detail).toBe(
      '“No contract”',
    );
    const granted = { via: 'Supplier access', until: '2027-05-19T12:00:00Z', kind: 'app', name: 'x' };
    expect(sentence(event({ name: 'directory.grant_added', data: granted })).detail).toBe(
      `By Supplier access, until ${date(granted.until)}`,
    );
  });

  it('marks what was refused', () => {
    expect(
      sentence(event({ name: 'identity.code_refused', result: 'refused', data: { why: 'too_many_tries' } })),
    ).toMatchObject({
      refused: true,
      detail: 'Tried too often',
    });
  });

  it('shows a name that it does not know as it is, with strange data and none', () => {
    expect(words(event({ name: 'moon.rose', data: { until: 'never', reason: 7 } }))).toBe('moon.rose');
  });

  it('begins a new day where the reader’s day begins', () => {
    const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString();
    const days = byDay([
      event({ id: 'a', at: at(19, 1) }),
      event({ id: 'b', at: at(18, 23) }),
      event({ id: 'c', at: at(18, 2) }),
    ]);
    expect(days.map((d) => d.events.map((e) => e.id))).toEqual([['a'], ['b', 'c']]);
  });
});
