import { buildPseudo, serveFrom } from './support/pseudo';
import { expect, test, wellMade } from './support/test';

let folder: string;
test.beforeAll(() => {
  test.setTimeout(180_000);
  folder = buildPseudo();
});

/**
 * The pseudo-locale en-XA: every word of ours is accented and a third longer. What stays plain does not come from the
 * catalogue, and what does not fit would not fit in German either.
 */
test('every word comes from the catalogue and has room to grow', async ({ page }) => {
  await serveFrom(page, folder);
  // What is added to a long paragraph has no spaces and could not wrap on a phone: there, pages of short words only.
  const narrow = ['/signin', '/requests'];
  const wide = [...narrow, '/help', '/accessibility', '/', '/join/supplier/email'];
  for (const [width, paths] of [[1440, wide], [320, narrow]] as const) {
    await page.setViewportSize({ width, height: 800 });
    for (const path of paths) {
      await page.goto(`${path}?lang=en-XA`);
      await expect(page.locator('html')).toHaveAttribute('lang', 'en-XA');
      await wellMade(page);
      const plain = await page.evaluate(() =>
        [...document.querySelectorAll('h1, h2, button, label, a.btn, summary')]
          .map((e) => (e.textContent ?? '').trim())
          .filter((text) => /[A-Za-z]{4,}/.test(text) && !/[\u00c0-\u024f]/.test(text)),
      );
      expect(plain.filter((text) => !/Contoso|Vestibule|English|Deutsch|Supplier/.test(text)), path).toEqual([]);
    }
  }
});
