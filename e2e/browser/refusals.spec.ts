import { supplierAnswers } from './support/api';
import { address, codeIn, letter, pathIn } from './support/mail';
import { expect, jonas, test, wellMade } from './support/test';

test('an address that is none is said beside the field', async ({ page, w, watch }) => {
  watch.refusals = [422];
  await page.goto('/join/supplier/email');
  await page.getByLabel(w('email.label')).fill('maria@fabrikam');
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { name: w('summary.title') })).toBeVisible();
  await expect(page.getByLabel(w('email.label'))).toHaveValue('maria@fabrikam');
  await wellMade(page);
});

test('a refused domain is said with its name', async ({ page, w, watch }) => {
  watch.refusals = [422];
  await page.goto('/join/supplier/email');
  await page.getByLabel(w('email.label')).fill('someone@mailinator.com');
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('link', { name: /mailinator\.com/ })).toBeVisible();
  await wellMade(page);
});

test('a wrong code is said, and what was typed stays', async ({ page, w, watch }) => {
  watch.refusals = [422];
  const email = address('maria');
  await page.goto('/join/supplier/email');
  await page.getByLabel(w('email.label')).fill(email);
  await page.getByRole('button', { name: w('continue') }).click();
  const code = codeIn(await letter(email));
  const wrong = (code[0] === '1' ? '2' : '1') + code.slice(1);
  await page.getByRole('textbox', { name: w('code.label') }).fill(wrong);
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { name: w('summary.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('textbox', { name: w('code.label') }).fill(code);
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
});

test('missing answers are listed, linked and kept', async ({ page, w, doors }) => {
  await doors.prove('supplier', address('maria'));
  await page.goto('/join/supplier/details/you');
  await page.getByLabel('Family name').fill('Lindqvist');
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { name: w('summary.title') })).toBeVisible();
  await expect(page).toHaveTitle(/^Error: /);
  await wellMade(page);
  await page.getByRole('link', { name: 'Enter your given names' }).click();
  await expect(page.getByLabel('Given names')).toBeFocused();
  await expect(page.getByLabel('Family name')).toHaveValue('Lindqvist');
});

test('an unknown flow and an unknown page are the same friendly page', async ({ page, w, watch }) => {
  watch.refusals = [404];
  for (const path of ['/join/nothing-here', '/nothing/at/all']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1, name: w('notfound.title') })).toBeVisible();
    await wellMade(page);
  }
});

test('a foreign reference shows nothing and offers proof', async ({ page, doors, another, w, watch }) => {
  watch.refusals = [401, 404];
  const reference = await doors.ask('supplier', address('maria'), supplierAnswers);
  const eve = await another();
  await eve.page.goto(`/requests/${reference}`);
  await expect(eve.page.getByRole('heading', { level: 1, name: w('request.prove') })).toBeVisible();
  await expect(eve.page.getByText('Fabrikam')).toHaveCount(0);
  await wellMade(eve.page);
  await page.goto('/requests');
  await wellMade(page);
});

/** Row T05: a mail scanner runs the page's scripts and presses nothing. */
test('a scanner that opens every link and runs every script does nothing', async ({ page, doors, another, w, watch }) => {
  watch.refusals = [401, 404, 409];
  const email = address('maria');
  await page.goto('/join/supplier/email');
  await page.getByLabel(w('email.label')).fill(email);
  await page.getByRole('button', { name: w('continue') }).click();
  const link = pathIn(await letter(email), 'l');
  const scanner = await another();
  await scanner.page.goto(link);
  await expect(scanner.page.getByRole('heading', { level: 1, name: w('link.other.title') })).toBeVisible();
  await wellMade(scanner.page);
  expect(new URL(scanner.page.url()).pathname, 'the token is out of the address').toBe('/l');
  await scanner.page.waitForLoadState('networkidle');
  const { signup } = await doors.read('/api/v1/signups/current');
  expect(signup.step).toBe('code');
  expect((await scanner.page.context().cookies()).map((c) => c.name)).not.toContain('vestibule_session');

  const own = await page.context().newPage();
  await own.goto(link);
  await expect(own.getByRole('heading', { level: 1, name: w('link.title') })).toBeVisible();
  await wellMade(own);
  await own.getByRole('button', { name: w('link.yes') }).click();
  await expect(own.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
});

test('a decide link asks for a sign-in first and decides nothing', async ({ page, doors, another, watch }) => {
  watch.refusals = [401];
  const reference = await doors.ask('supplier', address('maria'), supplierAnswers);
  const path = pathIn(await letter(jonas, { about: reference }), 'decide');
  const anybody = await another();
  await anybody.page.goto(path);
  await expect(anybody.page.getByText('Lindqvist')).toHaveCount(0);
  await expect(anybody.page.getByRole('heading', { level: 1 })).toBeVisible();
  await wellMade(anybody.page);
  await page.goto(`/requests/${reference}`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const view = await doors.read(`/api/v1/requests/${reference}`);
  expect(view.state).toBe('pending');
});
