import { houses } from './support/house';
import { address, openInMailbox, SIX_DIGITS } from './support/mail';
import { expect, test, wellMade } from './support/test';

test('the built-in mailbox shows a code that was asked for', async ({ page, another, w }) => {
  const base = houses().mailbox.url;
  const email = address('maria');
  await page.goto(`${base}/_mail`);
  await expect(page.getByRole('heading', { level: 1, name: w('mailbox.title') })).toBeVisible();
  const applicant = await another({ baseURL: base });
  await applicant.page.goto('/join/supplier/email');
  await applicant.page.getByLabel(w('email.label')).fill(email);
  await applicant.page.getByRole('button', { name: w('continue') }).click();
  await expect(applicant.page.getByRole('heading', { level: 1, name: w('code.title') })).toBeVisible();
  const mail = await openInMailbox(page, email);
  const code = SIX_DIGITS.exec((await mail.locator('body').textContent()) ?? '')?.[0].replace(' ', '');
  expect(code).toMatch(/^\d{6}$/);
  expect(await page.locator('iframe').getAttribute('sandbox'), 'the mail is shut in').not.toContain('allow-scripts');
  await wellMade(page);
  await applicant.page.getByRole('textbox', { name: w('code.label') }).fill(code as string);
  await applicant.page.getByRole('button', { name: w('continue') }).click();
  await expect(applicant.page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
});

test.describe('an empty house', () => {
  test.describe.configure({ mode: 'serial' });

  test('refuses a wrong link with what to do about it', async ({ page, w, watch }) => {
    watch.refusals = [410, 422];
    await page.goto(`${houses().setup.url}/setup#token=wrong-wrong-wrong-wrong-wrong-wrong-wrong-w`);
    await expect(page.getByRole('heading', { level: 1, name: w('setup.expired.title') })).toBeVisible();
    await wellMade(page);
  });

  test('is set up once with the printed link', async ({ page, another, w, watch }) => {
    watch.refusals = [401, 410];
    await page.goto(houses().setup.link);
    await expect(page.getByRole('heading', { level: 1, name: w('setup.title') })).toBeVisible();
    await wellMade(page);
    expect(page.url(), 'the secret is out of the address').not.toContain('token');
    await page.getByRole('button', { name: w('setup.do') }).click();
    await expect(page.getByRole('link', { name: w('setup.name.empty') })).toBeVisible();
    await page.getByLabel(w('setup.organisation'), { exact: true }).fill('Contoso');
    await page.getByLabel(w('setup.name')).fill('Ines Vogel');
    await page.getByLabel(w('setup.email')).fill('i.vogel@contoso.com');
    await page.getByRole('button', { name: w('setup.do') }).click();
    await expect(page).toHaveURL(/\/inbox/);
    await wellMade(page);
    const late = await another();
    await late.page.goto(houses().setup.link);
    await expect(late.page.getByRole('heading', { level: 1, name: w('setup.closed.title') })).toBeVisible();
    await wellMade(late.page);
  });
});
