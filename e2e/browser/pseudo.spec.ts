import { expect, test, wellMade } from './support/test';

/**
 * The pseudo-locale en-XA: every word of ours is accented and a third longer. What stays plain is not translatable, and
 * what is cut off would be in German.
 */
test('every word of the app comes from the catalogue and has room to grow', async ({ page }) => {
  for (const path of ['/signin', '/requests', '/help', '/accessibility', '/']) {
    await page.goto(`${path}?lang=en-XA`);
    await expect(page.locator('html')).toHaveAttribute('lang', 'en-XA');
    await wellMade(page);
    const plain = await page.evaluate(() =>
      [...document.querySelectorAll('h1, button, label, a.btn')]
        .map((e) => (e.textContent ?? '').trim())
        .filter((text) => /[A-Za-z]{4,}/.test(text) && !/[^\u0020-\u024f\u2000-\u206f]|[À-ɏ]/.test(text)),
    );
    expect(plain.filter((t) => !/Contoso|Vestibule|English|Deutsch/.test(t)), path).toEqual([]);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto('/signin?lang=en-XA');
  await wellMade(page);
});
