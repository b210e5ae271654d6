import axe from 'axe-core';
import { test as base, expect, type BrowserContext, type Page, type TestInfo } from '@playwright/test';
import { Doors } from './api';
import { houses } from './house';
import { wordsIn, type Lang } from './words';

/** What a page may do wrong without anybody pressing anything. */
export class Watch {
  readonly seen: string[] = [];
  /** Statuses that this story provokes; the browser's own line about each is then no mistake. */
  refusals: number[] = [];
  /** The story takes the network away: the browser's lines about that are no mistake. */
  offline = false;

  on(page: Page): void {
    page.on('pageerror', (e) => this.seen.push(`error on ${page.url()}: ${e.message}`));
    page.on('console', (m) => {
      if (m.type() !== 'error' && m.type() !== 'warning') return;
      const text = m.text();
      if (text.startsWith('Blocked script execution') && text.includes('/api/v1/mailbox/')) return; // our own listener, in the mail's sandbox
      const status = /status of (\d{3})/.exec(text)?.[1];
      if (status && this.refusals.includes(Number(status))) return;
      if (this.offline && /ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_NETWORK|Failed to fetch/.test(text)) return;
      this.seen.push(`${m.type()} on ${page.url()}: ${text}`);
    });
    page.on('request', (r) => {
      const url = new URL(r.url());
      if (!['data:', 'blob:'].includes(url.protocol) && url.hostname !== '127.0.0.1') this.seen.push(`request to ${r.url()}`);
    });
  }
}

/** Every page of a context reports breaches of the content security policy as a console error, with what was blocked. */
async function reportPolicy(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      console.error(`policy: ${e.violatedDirective} blocked ${e.blockedURI} (${e.sourceFile}:${e.lineNumber}) ${e.sample}`);
    });
  });
}

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Asserts that a page is shown whole: one h1, no axe violation, nothing wider than the window. */
export async function wellMade(page: Page): Promise<void> {
  await expect(page.locator('h1:visible')).toHaveCount(1);
  // Without frames: the only one is the mailbox's, a mail in a sandbox that runs no scripts.
  await page.evaluate(axe.source);
  const told = await page.evaluate(async (values) => {
    const run = (window as unknown as { axe: typeof axe }).axe.run;
    // The API reference has some ten thousand words of one look: measuring the contrast of each takes half a minute.
    const rules = { 'color-contrast': { enabled: document.querySelectorAll('*').length < 4000 } };
    const { violations } = await run(document, { runOnly: { type: 'tag', values }, rules, iframes: false, resultTypes: ['violations'] });
    return violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target.join(' ')).join(', ')})`);
  }, TAGS);
  expect(told, page.url()).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, `${page.url()} scrolls sideways`).toBeLessThanOrEqual(0);
}

interface Fixtures {
  /** Language of the story; the browser asks for it. */
  lang: Lang;
  /** Words of the app in that language. */
  w: ReturnType<typeof wordsIn>;
  watch: Watch;
  doors: Doors;
  /** A second browser, for another person. */
  another: (options?: Parameters<import('@playwright/test').Browser['newContext']>[0]) => Promise<{ page: Page; doors: Doors }>;
}

export const test = base.extend<Fixtures>({
  lang: ['en', { option: true }],
  locale: async ({ lang }, use) => use({ en: 'en-GB', de: 'de-DE', ar: 'ar-EG' }[lang]),
  baseURL: async ({}, use) => use(houses().demo.url),
  w: async ({ lang }, use) => use(wordsIn(lang)),
  watch: [
    async ({ context, page }, use, info: TestInfo) => {
      const watch = new Watch();
      await reportPolicy(context);
      watch.on(page);
      context.on('page', (p) => watch.on(p));
      await use(watch);
      if (info.status === info.expectedStatus) expect(watch.seen).toEqual([]);
    },
    { auto: true },
  ],
  doors: async ({ context, baseURL }, use) => use(new Doors(context, baseURL as string)),
  another: async ({ browser, watch, locale, baseURL }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ locale, baseURL, reducedMotion: 'reduce', timezoneId: 'Europe/Berlin', ...options });
      contexts.push(context);
      await reportPolicy(context);
      const page = await context.newPage();
      watch.on(page);
      return { page, doors: new Doors(context, baseURL as string) };
    });
    for (const context of contexts) await context.close();
  },
});

export { expect };

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
export const jonas = 'j.becker@contoso.com';
export const ana = 'a.ruiz@contoso.com';
export const ines = 'i.vogel@contoso.com';
export const tom = 't.adler@contoso.com';
