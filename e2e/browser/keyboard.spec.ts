import { address, codeIn, letter } from './support/mail';
import { expect, test } from './support/test';

/** Nobody touches the mouse here. */
test('a request is begun with the keyboard alone', async ({ page, w }) => {
  const email = address('maria');
  await page.goto('/join/supplier');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: w('skip') })).toBeFocused();
  await tabTo(page, page.getByRole('link', { name: w('join.action'), exact: true }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: w('email.title') })).toBeVisible();
  await tabTo(page, page.getByLabel(w('email.label')));
  await page.keyboard.type(email);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: w('code.title') })).toBeFocused();
  await tabTo(page, page.getByRole('textbox', { name: w('code.label') }));
  await page.keyboard.type(codeIn(await letter(email)));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
  await tabTo(page, page.getByLabel('Given names'));
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  expect(ring, 'the focus is visible').not.toBe('none');
});

async function tabTo(page: import('@playwright/test').Page, target: import('@playwright/test').Locator) {
  for (let i = 0; i < 40; i++) {
    if (await target.evaluate((e) => e === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('never reached with Tab');
}

test('an error summary takes the focus and leads to its field', async ({ page, w }) => {
  await page.goto('/join/supplier/email');
  await page.getByRole('button', { name: w('continue') }).press('Enter');
  const summary = page.getByRole('alert').or(page.getByRole('group', { name: w('summary.title') })).first();
  await expect(summary).toBeVisible();
  await expect(page).toHaveTitle(/^Error: /);
  await page.getByRole('link', { name: w('email.empty') }).press('Enter');
  await expect(page.getByLabel(w('email.label'))).toBeFocused();
  await expect(page.getByLabel(w('email.label'))).toHaveAttribute('aria-invalid', 'true');
});
