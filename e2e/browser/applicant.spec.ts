import { supplierAnswers } from './support/api';
import { address, codeIn, letter, pathIn } from './support/mail';
import { expect, jonas, phone, test, wellMade } from './support/test';

/** An applicant on a phone, from the company's link to the sent request. */
test.describe('an applicant on a phone', () => {
  test.use(phone);

  test('asks for supplier access', async ({ page, w }) => {
    const email = address('maria');
    await page.goto('/join/supplier');
    await expect(page).toHaveTitle(/Supplier access/);
    await wellMade(page);
    await page.getByRole('link', { name: w('join.action'), exact: true }).tap();

    await expect(page.getByRole('heading', { level: 1, name: w('email.title') })).toBeVisible();
    await wellMade(page);
    const field = page.getByLabel(w('email.label'));
    await expect(field).toHaveAttribute('inputmode', 'email');
    await field.fill(email);
    await page.getByRole('button', { name: w('continue') }).tap();

    await expect(page.getByRole('heading', { level: 1, name: w('code.title') })).toBeVisible();
    await wellMade(page);
    const code = page.getByRole('textbox', { name: w('code.label') });
    await expect(code).toHaveAttribute('autocomplete', 'one-time-code');
    await expect(code).toHaveAttribute('inputmode', 'numeric');
    await code.pressSequentially(codeIn(await letter(email)));
    await page.getByRole('button', { name: w('continue') }).tap();

    await expect(page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
    await wellMade(page);
    await page.getByLabel('Given names').fill('Maria');
    await page.getByLabel('Family name').fill('Lindqvist');
    await page.getByLabel('Company', { exact: true }).fill('Fabrikam GmbH');
    await page.getByRole('button', { name: w('continue') }).tap();

    await expect(page.getByRole('heading', { level: 1, name: 'Your work' })).toBeVisible();
    await page.getByLabel('I maintain equipment').check();
    await expect(page.getByText('Which site?')).toBeVisible();
    await wellMade(page);
    await page.getByLabel('Which site?').selectOption('Hamburg');
    await page.getByLabel('What do you need it for?').fill('Compressor maintenance, hall 3');
    await page.getByRole('button', { name: w('continue') }).tap();

    await expect(page.getByRole('heading', { level: 1, name: 'When you start' })).toBeVisible();
    await page.getByLabel('Our liability insurance covers this work').check();
    await page.getByRole('button', { name: w('continue') }).tap();

    await expect(page.getByRole('heading', { level: 1, name: w('review.title') })).toBeVisible();
    await expect(page.getByText('Compressor maintenance, hall 3')).toBeVisible();
    await wellMade(page);
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: w('review.send') }).tap();

    await expect(page).toHaveURL(/\/requests\/[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]$/);
    const reference = page.url().split('/').at(-1) as string;
    await expect(page.getByText(reference).first()).toBeVisible();
    await wellMade(page);
    expect(pathIn(await letter(email, { about: reference }), 'requests')).toContain(reference);
    await letter(jonas, { about: reference });

    await page.reload();
    await expect(page.getByText(reference).first()).toBeVisible();
  });

  test('sees the decision without reloading', async ({ page, doors, another, w }) => {
    const email = address('maria');
    const reference = await doors.ask('supplier', email, supplierAnswers);
    await page.goto(`/requests/${reference}`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const sponsor = await another();
    await sponsor.doors.signIn(jonas);
    await sponsor.doors.decide(await sponsor.doors.approvalID(reference), { decision: 'approve' });
    await expect(page.getByRole('heading', { level: 1, name: w('request.title.active') })).toBeVisible();
    await wellMade(page);
  });
});

test('a visitor is let in at once and opens an app', async ({ page, doors, w }) => {
  const email = address('lukas');
  await doors.prove('visitor', email);
  await page.goto('/join/visitor');
  await page.getByRole('link', { name: w('join.resume') }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await wellMade(page);
});
