// Line icons on a 20 × 20 grid, 1.5 px stroke, drawn with currentColor. One constant each, so a page ships what it uses.
export const globe =
  'M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0M3 10h14M10 3c2.3 2 3.4 4.3 3.4 7s-1.1 5-3.4 7c-2.3-2-3.4-4.3-3.4-7s1.1-5 3.4-7z';
export const chevronDown = 'm5.5 8 4.5 4.5L14.5 8';
export const chevronBack = 'M12 5.5 7.5 10l4.5 4.5';
export const chevronOn = 'M8 5.5 12.5 10 8 14.5';
export const check = 'm4 10.5 4 4 8-9';
export const cross = 'm5.5 5.5 9 9M14.5 5.5l-9 9';
export const warning = 'M10 3.5 17.3 16H2.7zM10 8.25v3.5M10 13.9v.01';
export const lock =
  'M6 9h8a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1zM7 9V6.5a3 3 0 0 1 6 0V9';
export const copy =
  'M8 7h7.5a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM4.5 13A1 1 0 0 1 3.5 12V4.5a1 1 0 0 1 1-1H12a1 1 0 0 1 1 1';
export const search = 'M3.75 9a5.25 5.25 0 1 0 10.5 0a5.25 5.25 0 1 0-10.5 0M13 13l4 4';
export const page = 'M6 3h5.5L15 6.5V16a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11.5 3v3.5H15';
export const download = 'M10 3.5v9M6 9l4 4 4-4M4 16.5h12';
export const info = 'M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0M10 9v4.5M10 6.4v.01';

/** Small filled or stroked signs for states, on a 12 × 12 grid; always beside a word. */
export const glyphs = {
  ok: { d: 'M1.7 6.3 4.6 9.2l5.7-6.4', stroke: 1.9 },
  now: { d: 'M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0', stroke: 1.75, dash: '2.2 2' },
  soon: {
    d: 'M6 .75a5.25 5.25 0 1 0 0 10.5A5.25 5.25 0 0 0 6 .75zm.75 5.6L8.9 7.7l-.8 1.25-2.85-1.8V2.9h1.5z',
  },
  look: { d: 'M6 1 11.5 11H.5z' },
  on: { d: 'M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0' },
  bad: { d: 'M1.5 1.5h9v9h-9z' },
  off: { d: 'M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0', stroke: 1.75 },
} as const;
export type GlyphName = keyof typeof glyphs;
