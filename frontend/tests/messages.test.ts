// @vitest-environment node
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUNDLES, read, root } from '../dev/i18n/catalogues.js';
import { needs, parse, type Node } from '../dev/i18n/compile.js';

const CATEGORIES: Record<string, string[]> = {
  en: ['one', 'other'],
  de: ['one', 'other'],
  ar: ['zero', 'one', 'two', 'few', 'many', 'other'],
};
const locales = readdirSync(root).flatMap((f) => (f.endsWith('.json') ? [f.slice(0, -5)] : []));

/** Every list of plural forms in a message. */
function plurals(nodes: Node[]): string[][] {
  return nodes.flatMap((n) => {
    if (typeof n === 'string' || !('choose' in n))
      return typeof n === 'object' && 'tag' in n ? plurals(n.children) : [];
    const inner = Object.values(n.options).flatMap(plurals);
    return n.choose === 'plural' ? [Object.keys(n.options), ...inner] : inner;
  });
}

describe('a language is complete or not there', () => {
  for (const bundle of BUNDLES) {
    const source = read('en', bundle);
    for (const locale of locales) {
      const own = read(locale, bundle);
      it(`${bundle}/${locale} says everything that English says, and nothing else`, () => {
        expect(Object.keys(own).sort()).toEqual(Object.keys(source).sort());
      });
      it(`${bundle}/${locale} knows no other arguments, keeps the marks, and has every plural form`, () => {
        for (const [key, text] of Object.entries(own)) {
          const { args, tags } = needs(parse(text));
          const want = needs(parse(source[key] ?? ''));
          expect([key, Object.keys(args).filter((a) => !(a in want.args)), tags]).toEqual([
            key,
            [],
            want.tags,
          ]);
          for (const forms of plurals(parse(text))) {
            const exact = forms
              .filter((f) => f.startsWith('='))
              .map((f) => ({ '=0': 'zero', '=1': 'one' })[f] ?? f);
            expect([
              key,
              CATEGORIES[locale]?.filter((c) => !forms.includes(c) && !exact.includes(c)),
            ]).toEqual([key, []]);
          }
        }
      });
    }
  }
});
