import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, type Page, type TestInfo } from '@playwright/test';
import { phone } from './test';
import type { Lang } from './words';

/** One way to look at every page. */
export interface Look {
  lang: Lang;
  size: 'phone' | 'desktop';
  scheme: 'light' | 'dark';
  /** Whose name the applicant of this round has: nobody else in the house has it. */
  who: [given: string, family: string];
}

/** With UPDATE_SCREENS=1 the pictures of docs/screens are made anew; otherwise a few looks are taken, and thrown away. */
export const updating = process.env.UPDATE_SCREENS === '1';
const docs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'docs', 'screens');

export const looks: Look[] = [
  { lang: 'en', size: 'desktop', scheme: 'light', who: ['Elena', 'Wolf'] },
  { lang: 'ar', size: 'phone', scheme: 'dark', who: ['Yusuf', 'Karim'] },
  ...(updating
    ? ([
        { lang: 'en', size: 'phone', scheme: 'light', who: ['Maja', 'Nowak'] },
        { lang: 'en', size: 'desktop', scheme: 'dark', who: ['Oskar', 'Lund'] },
        { lang: 'en', size: 'phone', scheme: 'dark', who: ['Nadia', 'Ferrari'] },
        { lang: 'de', size: 'desktop', scheme: 'light', who: ['Greta', 'Baumann'] },
        { lang: 'de', size: 'phone', scheme: 'light', who: ['Emil', 'Sommer'] },
        { lang: 'ar', size: 'desktop', scheme: 'light', who: ['Laila', 'Mansour'] },
        { lang: 'ar', size: 'phone', scheme: 'light', who: ['Omar', 'Saleh'] },
      ] satisfies Look[])
    : []),
];

export const nameOf = (look: Look): string => `${look.size}.${look.scheme}.${look.lang}`;

export const contextOf = (look: Look) => ({
  ...(look.size === 'phone' ? phone : { viewport: { width: 1440, height: 900 } }),
  colorScheme: look.scheme,
});

/** Takes the picture of a page as <name>.<phone|desktop>.<light|dark>.<lang>.png. */
export async function picture(page: Page, look: Look, name: string, info: TestInfo): Promise<void> {
  const folder = updating ? docs : info.outputPath('screens');
  mkdirSync(folder, { recursive: true });
  await test.step(`picture of ${name}`, async () => {
    await page.evaluate(() => document.fonts.ready.then(() => (document.activeElement as HTMLElement | null)?.blur?.()));
    await page.screenshot({
      path: join(folder, `${name}.${nameOf(look)}.png`),
      fullPage: name !== 'api' && name !== 'flow' && (look.size === 'phone' || !name.startsWith('inbox')),
      animations: 'disabled',
      caret: 'hide',
    });
  });
}
