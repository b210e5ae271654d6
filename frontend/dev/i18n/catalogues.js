// Where the messages live: messages/<locale>.json is what outsiders and guests read, messages/staff/<locale>.json what
// staff read besides. `en` is the source; the others must be complete (tests/messages.test.ts).
//
// Three bundles are fetched apart: `base` for the frame and the first page of a sign-up, `pages` for every other page, and
// `staff`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, needs, parse, pseudo } from './compile.js';

export const root = fileURLToPath(new URL('../../messages/', import.meta.url));

export const BUNDLES = /** @type {const} */ (['base', 'pages', 'staff']);

/** Each language by its own name. The pseudo-locale is built only for tests. */
export const LOCALES = [
  { code: 'en', name: 'English', dir: 'ltr' },
  { code: 'de', name: 'Deutsch', dir: 'ltr' },
  { code: 'ar', name: 'العربية', dir: 'rtl' },
  ...(process.env.VESTIBULE_PSEUDO === '1' ? [{ code: 'en-XA', name: '[Þšéûðö]', dir: 'ltr' }] : []),
];

/** What the frame and the first page of a sign-up say. */
export const FIRST_WORDS =
  /^(skip|back|copy|retry|help|offline|language|theme|wait|progress|problem|notfound|footer|nav|join|step|moment|field\.error$|code\.title$)(\.|$)/;

/** @param {string} locale @param {string} bundle @returns {Record<string, string>} */
export function read(locale, bundle) {
  const file = `${root}${bundle === 'staff' ? 'staff/' : ''}${locale === 'en-XA' ? 'en' : locale}.json`;
  const all = Object.entries(/** @type {Record<string, string>} */ (JSON.parse(readFileSync(file, 'utf8'))));
  if (bundle === 'staff') return Object.fromEntries(all);
  return Object.fromEntries(all.filter(([key]) => FIRST_WORDS.test(key) === (bundle === 'base')));
}

/** The source of the module that holds one locale's compiled messages. @param {string} locale @param {string} bundle */
export function moduleOf(locale, bundle) {
  const source = read('en', bundle);
  const translated = read(locale, bundle);
  const rtl = LOCALES.find((l) => l.code === locale)?.dir === 'rtl';
  const lines = Object.keys(source).map((key) => {
    const text = translated[key] ?? source[key] ?? '';
    return `${JSON.stringify(key)}:${compile(text, { rtl, text: locale === 'en-XA' ? pseudo : undefined })}`;
  });
  return `export default {${lines.join(',\n')}}`;
}

/** TypeScript: every key with the arguments it wants. */
export function types() {
  const plain = [];
  const rich = [];
  for (const bundle of BUNDLES) {
    for (const [key, text] of Object.entries(read('en', bundle))) {
      const { args, tags } = needs(parse(text));
      const fields = Object.entries(args).map(([name, type]) => `${name}: ${type}`);
      const line = `  ${JSON.stringify(key)}: ${fields.length ? `{ ${fields.join('; ')} }` : 'undefined'};`;
      (tags.length ? rich : plain).push(line);
    }
  }
  return [
    '// Written by dev/i18n/write-types.js from messages/en.json and messages/staff/en.json. Do not edit.',
    `export interface Plain {\n${plain.join('\n')}\n}`,
    `export interface Rich {\n${rich.join('\n')}\n}\n`,
  ].join('\n');
}
