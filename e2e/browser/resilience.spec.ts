import { supplierAnswers } from './support/api';
import { address, letter, mailCount } from './support/mail';
import { expect, test, wellMade } from './support/test';

test('going offline keeps what was typed, and going on works after', async ({ page, context, doors, w, watch }) => {
  watch.offline = true;
  await doors.prove('supplier', address('maria'));
  await page.goto('/join/supplier/details/you');
  await page.getByLabel('Given names').fill('Maria');
  await context.setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await expect(page.getByText(w('offline'))).toBeVisible();
  await page.getByLabel('Family name').fill('Lindqvist');
  await page.getByLabel('Company', { exact: true }).fill('Fabrikam GmbH');
  await page.getByRole('button', { name: w('continue') }).click(); // goes on in this tab: the draft is sent later
  await expect(page.getByRole('heading', { level: 1, name: 'Your work' })).toBeVisible();
  await page.goBack();
  await expect(page.getByLabel('Family name')).toHaveValue('Lindqvist');
  await context.setOffline(false);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(page.getByText(w('offline'))).toHaveCount(0);
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your work' })).toBeVisible();
  const { signup } = await doors.read('/api/v1/signups/current');
  expect(signup.answers.familyName).toBe('Lindqvist');
});

test('a reload keeps what was typed', async ({ page, doors }) => {
  await doors.prove('supplier', address('maria'));
  await page.goto('/join/supplier/details/you');
  await page.getByLabel('Given names').fill('Maria');
  await page.getByLabel('Company', { exact: true }).fill('Fabrikam GmbH');
  await page.reload();
  await expect(page.getByLabel('Given names')).toHaveValue('Maria');
  await expect(page.getByLabel('Company', { exact: true })).toHaveValue('Fabrikam GmbH');
});

test('the back button goes back one step and loses nothing', async ({ page, doors, w }) => {
  await doors.prove('supplier', address('maria'));
  await page.goto('/join/supplier/details/you');
  await page.getByLabel('Given names').fill('Maria');
  await page.getByLabel('Family name').fill('Lindqvist');
  await page.getByLabel('Company', { exact: true }).fill('Fabrikam GmbH');
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your work' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
  await expect(page.getByLabel('Family name')).toHaveValue('Lindqvist');
  await page.goForward();
  await expect(page.getByRole('heading', { level: 1, name: 'Your work' })).toBeVisible();
});

test('going back after sending leads to the request, not to a second one', async ({ page, doors, w }) => {
  const email = address('maria');
  const reference = await doors.ask('supplier', email, supplierAnswers);
  await page.goto('/join/supplier');
  await expect(page.getByRole('link', { name: w('join.waiting.action') })).toBeVisible();
  await page.goto('/join/supplier/review');
  await expect(page.getByText(reference).first()).toBeVisible();
});

test('a double press sends one request', async ({ page, doors, w }) => {
  const email = address('lukas');
  await doors.prove('visitor', email);
  await page.goto('/join/visitor');
  await page.getByRole('link', { name: w('join.resume') }).click();
  await fillAll(page, w('continue'), w('review.send'));
  const send = page.getByRole('button', { name: w('review.send') });
  await send.dblclick();
  await expect(page).toHaveURL(/\/requests\//);
  await letter(email, { seen: 1 });
  await expect.poll(() => mailCount(email)).toBeLessThanOrEqual(3); // code, receipt and welcome at most
});

/** Fills whatever a short flow requires, page by page, as somebody in a hurry does. */
async function fillAll(page: import('@playwright/test').Page, next: string | RegExp, last: string | RegExp) {
  for (let i = 0; i < 6; i++) {
    await expect(page.getByRole('button', { name: next }).or(page.getByRole('button', { name: last }))).toBeVisible();
    if (await page.getByRole('button', { name: last }).isVisible()) {
      for (const box of await page.getByRole('checkbox').all()) await box.check();
      return;
    }
    const form = page.getByRole('main').locator('form');
    for (const input of await form.locator('input[type=text], input[type=email]:not([readonly])').all()) {
      if ((await input.inputValue()) === '' && !(await input.evaluate((e) => e.closest('fieldset') !== null))) await input.fill('Lukas');
    }
    const heading = await page.getByRole('heading', { level: 1 }).textContent();
    await page.getByRole('button', { name: next }).click();
    await expect(page.getByRole('heading', { level: 1 })).not.toHaveText(heading ?? '');
  }
}

test('a session that ended while typing is mended without loss', async ({ page, context, doors, w, watch }) => {
  watch.refusals = [401];
  await doors.prove('supplier', address('maria'));
  await page.goto('/join/supplier/details/you');
  await page.getByLabel('Given names').fill('Maria');
  await page.getByLabel('Family name').fill('Lindqvist');
  await context.clearCookies(); // before the last answer: the draft may be saved at any moment, and then nothing is left to send
  await page.getByLabel('Company', { exact: true }).fill('Fabrikam GmbH');
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByText(w('details.ended.text'))).toBeVisible();
  await expect(page.getByLabel('Family name')).toHaveValue('Lindqvist');
  await wellMade(page);
});
