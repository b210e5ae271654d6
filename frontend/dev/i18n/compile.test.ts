import { describe, expect, it } from 'vitest';
import { compile, parse, pseudo } from './compile.js';

const formats = {
  n: (n: number) => `#${n}`,
  p: (n: number, o: Record<string, string>) => o[`=${n}`] ?? o[n === 1 ? 'one' : 'other'],
  s: (x: string, o: Record<string, string>) => o[x] ?? o.other,
  i: (x: unknown) => `<${String(x)}>`,
};
/** Runs the compiled JavaScript. */
const say = (source: string, args: object = {}, options = {}) => {
  const made: unknown = new Function(`return ${compile(source, options)}`)();
  return typeof made === 'function' ? (made(args, formats) as unknown) : made;
};

describe('a message becomes JavaScript', () => {
  it.each([
    ['plain text is a string', 'Back', {}, 'Back'],
    ['quotes and dollars are text', 'He said "no" for $5 `now`', {}, 'He said "no" for $5 `now`'],
    ['an argument', 'Write to {email}.', { email: 'a@b.c' }, 'Write to a@b.c.'],
    ['two numbers are not added up', '{a}{b}', { a: 1, b: 2 }, '12'],
    ['one of a plural', '{n, plural, one {# day} other {# days}}', { n: 1 }, '#1 day'],
    ['an exact number beats the category', '{n, plural, =0 {none} one {one} other {#}}', { n: 0 }, 'none'],
    [
      'an argument inside a plural',
      '{n, plural, one {{who} has #} other {{who} have #}}',
      { n: 2, who: 'we' },
      'we have #2',
    ],
    ['a choice', '{kind, select, guest {Guest} other {Someone}}', { kind: 'robot' }, 'Someone'],
    ['# outside a plural is text', 'Hall #3', {}, 'Hall #3'],
  ])('%s', (_, source, args, want) => expect(say(source, args)).toBe(want));

  it('a mark parts the sentence into pieces', () => {
    expect(say('A {n}-digit code to <b>{email}</b>. Look.', { n: 6, email: 'x' })).toEqual([
      'A 6-digit code to ',
      ['b', 'x'],
      '. Look.',
    ]);
  });
  it('a value keeps its direction in a right-to-left language', () => {
    expect(say('إلى {email}', { email: 'x' }, { rtl: true })).toBe('إلى <x>');
  });
  it.each([
    ['a phrase of values alone reads as its language does', '{day}، {time}', '\u200f<1>، <2>'],
    ['with marks too', '<b>{day}</b>، {time}', ['\u200f', ['b', '<1>'], '، <2>']],
    ['with a word of its own it does so by itself', '{day} في {time}', '<1> في <2>'],
    ['one value brings its direction with it', '«{day}»', '«<1>»'],
  ])('right to left: %s', (_, source, want) => {
    expect(say(source, { day: 1, time: 2 }, { rtl: true })).toEqual(want);
  });
  it.each(['{n, plural, one {x}}', '{', 'a } b', '<b>open'])('refuses %s', (source) => {
    expect(() => parse(source)).toThrow(SyntaxError);
  });
  it('the pseudo-locale changes words only', () => {
    expect(pseudo('Back')).toMatch(/^\[Ɓáçķ~+\]$/);
    expect(pseudo(' … ')).toBe(' … ');
  });
});
