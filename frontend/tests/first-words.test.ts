// @vitest-environment node
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FIRST_WORDS } from '../dev/i18n/catalogues.js';

// What the first page of a sign-up draws: fetched with the first words only.
const FIRST = [
  'src/routes/{+error,+layout}.svelte',
  'src/lib/page/{Brand,Footer,PublicFrame}.svelte',
  'src/features/signup/{StartPage,StartFacts,StartAside,Closed,Contact}.svelte',
  'src/features/signup/progress.ts',
  'src/lib/ui/{Banner,Button,Copy,Heading,LanguageSwitcher,Loaded,Logo,NotFound,OfflineBanner,ProblemText}.svelte',
  'src/lib/ui/{ProblemView,Progress,Skeleton,SkipLink,ThemeSwitch,Title,Toasts}.svelte',
];

it('the first page finds all its words in the first bundle', () => {
  const files = FIRST.flatMap((pattern) => expand(pattern));
  expect(files.length).toBeGreaterThan(20);
  const missing = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:t|rich)\(\s*'([^']+)'/g)]
      .map(([, key]) => key ?? '')
      .filter((key) => !FIRST_WORDS.test(key))
      .map((key) => `${file}: ${key}`),
  );
  expect(missing).toEqual([]);
});

/** `{a,b}` in a pattern. */
function expand(pattern: string): string[] {
  const choice = /^(.*)\{([^}]+)\}(.*)$/.exec(pattern);
  return choice ? (choice[2] ?? '').split(',').map((name) => `${choice[1]}${name}${choice[3]}`) : [pattern];
}
