import { address, codeIn, letter } from './support/mail';
import { expect, phone, test, wellMade } from './support/test';
import { wordsIn } from './support/words';

for (const lang of ['en', 'de', 'ar'] as const) {
  test.describe(`in ${lang}`, () => {
    test.use({ lang, ...phone });

    test(`${lang}: the first steps speak the browser’s language, and so does the mail`, async ({ page, w }) => {
      await page.goto('/join/supplier');
      await expect(page.locator('html')).toHaveAttribute('lang', new RegExp(`^${lang}`));
      await expect(page.locator('html')).toHaveAttribute('dir', lang === 'ar' ? 'rtl' : 'ltr');
      await wellMade(page);
      await page.getByRole('link', { name: w('join.action'), exact: true }).tap();
      const email = address('maria');
      await page.getByLabel(w('email.label')).fill(email);
      await page.getByRole('button', { name: w('continue') }).tap();
      await expect(page.getByRole('heading', { level: 1, name: w('code.title') })).toBeVisible();
      await wellMade(page);
      const mail = await letter(email);
      expect(mail.HTML).toContain(`lang="${lang}"`);
      await page.getByRole('textbox', { name: w('code.label') }).fill(arabicDigits(codeIn(mail), lang));
      await page.getByRole('button', { name: w('continue') }).tap();
      await expect(page.getByText(String(w('details.stop')))).toBeVisible();
      await wellMade(page);
    });
  });
}

/** Digits as an Arabic keyboard types them; the house reads both. */
function arabicDigits(code: string, lang: string): string {
  return lang === 'ar' ? [...code].map((d) => String.fromCodePoint(0x0660 + Number(d))).join('') : code;
}

test('the language switch changes the page and is remembered', async ({ page }) => {
  const de = wordsIn('de');
  await page.goto('/join/supplier');
  await page.goto('/join/supplier?lang=de');
  await expect(page.getByRole('link', { name: de('join.action'), exact: true })).toBeVisible();
  await page.goto('/signin');
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
});
