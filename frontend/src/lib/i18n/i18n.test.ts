import { afterEach, describe, expect, it, vi } from 'vitest';
import { date, list, loadWords, locale, moment, rich, setLanguage, t, time, weekday } from './index.svelte';
import { choose, lookup } from './locale';

await loadWords('pages');
afterEach(async () => {
  vi.unstubAllGlobals();
  localStorage.clear();
  await setLanguage('en');
});

describe('which language', () => {
  it.each([
    [['ar-EG'], 'ar'],
    [['DE-at'], 'de'],
    [['fr', 'de'], 'de'],
    [['no'], undefined],
    [[''], undefined],
  ])('%s finds %s', (wanted, found) => expect(lookup(wanted)).toBe(found));

  it('what this person chose beats what the browser asks for', async () => {
    vi.stubGlobal('navigator', { languages: ['de-DE'] });
    localStorage.clear();
    expect(choose()).toBe('de');
    await setLanguage('ar');
    expect(choose()).toBe('ar');
  });
});

describe('words', () => {
  it('switch at once, with the direction of the page', async () => {
    await setLanguage('ar');
    expect([locale(), document.documentElement.lang, document.documentElement.dir]).toEqual([
      'ar',
      'ar',
      'rtl',
    ]);
    expect(t('continue')).toBe('متابعة');
    expect(t('step.details.note', { n: 2 })).toBe('سؤالان');
    expect(t('step.details.note', { n: 12 })).toBe('12 سؤالًا');
  });
  it('marks come in pieces', () => {
    expect(rich('code.text', { n: 6, email: 'm@fabrikam.de' })[1]).toEqual(['b', 'm@fabrikam.de']);
  });
  it('the change that was asked for last is the one that is shown', async () => {
    const first = setLanguage('de');
    await setLanguage('en');
    await first;
    expect(t('continue')).toBe('Continue');
  });
});

describe('dates and times', () => {
  const at = '2026-11-19T14:06:00';
  it('follow the reader’s region, and the month is a word', () => {
    vi.stubGlobal('navigator', { languages: ['en-GB'] });
    expect([date(at), time(at), weekday(at)]).toEqual(['19 November 2026', '14:06', 'Thursday 19 November']);
    vi.stubGlobal('navigator', { languages: ['en-US'] });
    expect(time(at)).toMatch(/^2:06\sPM$/);
  });
  it('a day without a time is that day west of Greenwich too', () => {
    vi.stubGlobal('navigator', { languages: ['en-GB'] });
    vi.stubEnv('TZ', 'America/New_York');
    const shown = [date('2026-11-30'), date('2026-11-30T02:00:00Z')];
    vi.unstubAllEnvs();
    expect(shown).toEqual(['30 November 2026', '29 November 2026']);
  });
  it('a date that is half typed is shown as it was typed', () => expect(date('-13-31')).toBe('-13-31'));
  it.each([
    ['2026-11-19T23:59:00', 'Today, 14:06'],
    ['2026-11-20T00:01:00', 'Yesterday, 14:06'],
    ['2026-11-18T12:00:00', 'Tomorrow, 14:06'],
    ['2026-11-30T12:00:00', '19 November 2026, 14:06'],
  ])('seen on %s it is “%s”', (now, words) => {
    vi.stubGlobal('navigator', { languages: ['en-GB'] });
    expect(moment(at, new Date(now))).toBe(words);
  });
});

/** The direction that words have as a value in a sentence: of their first strong letter outside of isolates (UAX 9, P2). */
function direction(words: string): 'ltr' | 'rtl' | undefined {
  let own = words;
  for (let was = ''; was !== own;)
    [was, own] = [own, own.replace(/[\u2066-\u2068][^\u2066-\u2069]*\u2069/g, '')];
  const strong = /[\p{L}\u200e\u200f]/u.exec(own)?.[0];
  if (!strong) return undefined;
  return /[\p{Script=Arabic}\u200f]/u.test(strong) ? 'rtl' : 'ltr';
}

describe('from right to left', () => {
  const at = '2026-11-19T14:06:00';
  it.each([
    ['a date with its time', () => moment(at, new Date('2026-11-30T12:00:00'))],
    ['a word with its time', () => moment(at, new Date(at))],
    ['a list of foreign names', () => list(['Drawings library', 'Ticket desk'])],
  ])('%s, put into a sentence, is not turned around', async (_, words) => {
    await setLanguage('ar');
    expect(direction(words())).toBe('rtl');
  });
  it('the names in a list keep their own direction', async () => {
    await setLanguage('ar');
    expect(list(['Tickets (EU)', 'SAP'])).toContain('\u2068Tickets (EU)\u2069');
    expect(list(['Tickets (EU)'])).toBe('Tickets (EU)');
  });
});
