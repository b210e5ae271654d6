import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Lang = 'en' | 'de' | 'ar';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'frontend', 'messages');
const catalogues = new Map<Lang, Record<string, string>>();

function read(lang: Lang): Record<string, string> {
  const known = catalogues.get(lang);
  if (known) return known;
  const all = {
    ...(JSON.parse(readFileSync(join(folder, `${lang}.json`), 'utf8')) as Record<string, string>),
    ...(JSON.parse(readFileSync(join(folder, 'staff', `${lang}.json`), 'utf8')) as Record<string, string>),
  };
  catalogues.set(lang, all);
  return all;
}

/**
 * The words of the app in a language, by key, so that a test names a button as its readers do. Values fill {name};
 * what is left of plurals and marks becomes a wildcard, so the result may be a pattern.
 */
export function wordsIn(lang: Lang): (key: string, values?: Record<string, string>) => string | RegExp {
  const all = read(lang);
  return (key, values = {}) => {
    const text = all[key];
    if (text === undefined) throw new Error(`no words for ${key} in ${lang}`);
    const filled = text.replace(/<\/?b>/g, '').replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
    if (!filled.includes('{')) return filled;
    const escaped = filled.replace(/\{(?:[^{}]|\{[^{}]*\})*\}/g, '\u0000').replace(/[.*+?^$()|[\]\\{}]/g, '\\$&');
    return new RegExp(escaped.replaceAll('\u0000', '.*'));
  };
}
