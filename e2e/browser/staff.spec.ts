import { supplierAnswers } from './support/api';
import { address, letter, mailCount, pathIn, refuse } from './support/mail';
import { ana, expect, ines, jonas, phone, test, tom, wellMade } from './support/test';

/** A request of somebody whose name no other test uses. */
async function asked(another: () => Promise<{ doors: import('./support/api').Doors }>, word: string) {
  const applicant = await another();
  const email = address(word.toLowerCase());
  const answers = { ...supplierAnswers, givenNames: 'Maria', familyName: word };
  return { email, name: `Maria ${word}`, doors: applicant.doors, reference: await applicant.doors.ask('supplier', email, answers) };
}

/** A family name of letters only. */
const family = () => 'L' + Array.from({ length: 8 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('');

test('a sponsor finds a request and approves it', async ({ page, doors, another, w }) => {
  const maria = await asked(another, family());
  await doors.signIn(jonas);
  await page.goto('/inbox');
  await expect(page.getByRole('heading', { level: 1, name: w('inbox.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('searchbox', { name: w('inbox.search') }).fill(maria.reference);
  await expect(page.getByRole('link', { name: /Yuki|Chiara|Aylin|Tomasz/ })).toHaveCount(0);
  const row = page.getByRole('link', { name: new RegExp(maria.name) });
  const card = page.getByRole('region', { name: w('inbox.detail') });
  await expect(card.getByText(maria.reference), 'the card is of the list').toBeVisible();
  await row.click();
  await expect(card.getByText('Compressor maintenance, hall 3').first()).toBeVisible();
  await expect(card.getByText(maria.reference)).toBeVisible();
  await wellMade(page);
  await card.getByRole('button', { name: /^Approve/ }).first().click();
  await expect(page.getByText(w('toast.approved', { name: maria.name }))).toBeVisible();
  await letter(maria.email, { about: 'in, Maria' });
  const view = await maria.doors.read(`/api/v1/requests/${maria.reference}`);
  expect(view.state).toBe('active');
});

test('a sponsor denies with a reason and sees what the applicant will read', async ({ page, doors, another, w }) => {
  const maria = await asked(another, family());
  await doors.signIn(jonas);
  await page.goto(`/inbox/${await doors.approvalID(maria.reference)}`);
  await page.getByRole('button', { name: /^Deny/ }).click();
  await page.getByRole('button', { name: w('deny.do') }).click();
  await expect(page.getByText(w('deny.reason.empty')).first()).toBeVisible();
  await wellMade(page);
  await page.getByRole('button', { name: w('deny.template.partner') }).click();
  await expect(page.getByRole('blockquote')).toHaveText(String(w('deny.template.partner.text')));
  await page.getByRole('button', { name: w('deny.do') }).click();
  await expect(page.getByText(w('toast.denied', { name: maria.name }))).toBeVisible();
  const view = await maria.doors.read(`/api/v1/requests/${maria.reference}`);
  expect(view.reason).toBe(w('deny.template.partner.text'));
});

test('a sponsor asks with the keyboard alone', async ({ page, doors, another, w }) => {
  const maria = await asked(another, family());
  await doors.signIn(jonas);
  await page.goto('/inbox');
  await expect(page.getByRole('link', { name: /Maria|Yuki|Chiara/ }).first()).toBeVisible();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox', { name: w('inbox.search') })).toBeFocused();
  await page.keyboard.type(maria.reference);
  await expect(page.getByRole('link', { name: new RegExp(maria.name) })).toBeVisible();
  await expect(page.getByRole('link', { name: /Yuki|Chiara/ })).toHaveCount(0);
  const card = page.getByRole('region', { name: w('inbox.detail') });
  await expect(card.getByText(maria.reference), 'what the keys act on is there').toBeVisible();
  await page.keyboard.press('Escape');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press('2');
  await expect(page.getByLabel(w('ask.label', { name: maria.name }))).toBeFocused();
  await page.keyboard.type('Which hall do you work in? 3 or 4?');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByText(w('toast.asked', { name: maria.name }))).toBeVisible();
  expect((await letter(maria.email, { about: 'Which hall' })).Text).toContain('3 or 4?');
});

test('two approvers at once: the second learns who was first and keeps what was typed', async ({ page, doors, another, w, watch }) => {
  watch.refusals = [409];
  const maria = await asked(another, family());
  const second = await another();
  await second.doors.signIn(ana);
  await doors.signIn(jonas);
  const id = await doors.approvalID(maria.reference);
  await page.goto(`/inbox/${id}`);
  await page.getByRole('button', { name: /^Deny/ }).click();
  await page.getByLabel(w('deny.reason'), { exact: true }).fill('No contract for this site.');
  await second.doors.decide(id, { decision: 'approve' });
  await page.getByRole('button', { name: w('deny.do') }).click();
  await expect(page.getByText(/Ana Ruiz/).first()).toBeVisible();
  await expect(page.getByText('No contract for this site.')).toBeVisible();
  await wellMade(page);
});

test.describe('on a phone', () => {
  test.use(phone);

  test('a sponsor decides from the mail', async ({ page, doors, another, w }) => {
    const maria = await asked(another, family());
    const path = pathIn(await letter(jonas, { about: maria.reference }), 'decide');
    await doors.signIn(jonas);
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1, name: w('decide.title') })).toBeVisible();
    await wellMade(page);
    const approve = page.getByRole('button', { name: /^Approve/ }).first();
    await expect(approve).toBeInViewport();
    await approve.tap();
    await expect(page.getByRole('heading', { level: 1, name: w('decide.state.approved') })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('heading', { level: 1, name: w('decide.state.approved') })).toBeVisible();
    await wellMade(page);
  });

  test('the inbox is a list, and back finds it as it was', async ({ page, doors, w }) => {
    await doors.signIn(jonas);
    await page.goto('/inbox');
    await wellMade(page);
    const first = page.getByRole('link', { name: /Yuki|Chiara|Tomasz|Aylin|Maria/ }).first();
    await first.tap();
    await expect(page).toHaveURL(/\/inbox\/req_/);
    await wellMade(page);
    await page.goBack();
    await expect(first).toBeVisible();
    await expect(page.getByRole('searchbox', { name: w('inbox.search') })).toBeVisible();
  });
});

test('the auditor reads guests and timelines and decides nothing', async ({ page, doors, w, watch }) => {
  watch.refusals = [403, 404];
  await doors.signIn(tom);
  await page.goto('/guests');
  await expect(page.getByRole('heading', { level: 1, name: w('guests.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('searchbox', { name: w('guests.search') }).fill('Lukas');
  const lukas = page.getByRole('link', { name: /Lukas Brandt/ });
  await expect(lukas).toHaveCount(1);
  await expect(page).toHaveURL(/search=Lukas/);
  await lukas.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Lukas Brandt' })).toBeVisible();
  await expect(page.getByRole('heading', { name: w('guest.timeline') })).toBeVisible();
  await wellMade(page);
  await page.goto('/admin/jobs');
  await expect(page.getByRole('heading', { level: 1, name: w('right.title') })).toBeVisible();
  await wellMade(page);
});

test('the administrator reads flows and the API', async ({ page, doors, w }) => {
  await doors.signIn(ines);
  await page.goto('/admin/flows');
  await expect(page.getByRole('heading', { level: 1, name: w('flows.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('link', { name: 'Supplier access', exact: true }).first().click();
  await expect(page.getByText('apiVersion: vestibule/v1')).toBeVisible();
  await wellMade(page);
  for (const path of ['/developers', '/developers/api']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await wellMade(page);
  }
});

test('the operator sees stopped work and starts it again', async ({ page, doors, another, w }) => {
  const lost = address('lost');
  const applicant = await another();
  await refuse(lost, 'mailbox full');
  await applicant.doors.begin('supplier', lost, 'en');
  await doors.signIn('o.haddad@contoso.com');
  await page.goto('/admin/jobs');
  await expect(page.getByRole('heading', { level: 1, name: w('jobs.title') })).toBeVisible();
  await wellMade(page);
});

test('the operator sees how everything stands, and what mends it', async ({ page, doors, w }) => {
  await doors.signIn('o.haddad@contoso.com');
  await page.goto('/inbox');
  const looked = page.waitForResponse((r) => r.url().endsWith('/api/v1/health'));
  await page.getByRole('link', { name: w('nav.health') }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: w('health.title') })).toBeVisible();
  const { checks } = await (await looked).json(); // not another look: other tests stop work meanwhile
  for (const check of checks) await expect(page.getByRole('listitem').filter({ hasText: check.says })).toHaveCount(1);
  for (const { mend } of checks) if (mend) await expect(page.getByText(mend)).toBeVisible();
  await wellMade(page);
  const again = page.waitForResponse((r) => r.url().endsWith('/api/v1/health'));
  await page.getByRole('button', { name: w('health.again') }).click();
  expect((await again).status()).toBe(200);
  await expect(page.getByRole('heading', { level: 2, name: w('health.running') })).toBeVisible();
});

test('a guest sees apps, searches them and signs out', async ({ page, doors, w }) => {
  await doors.signIn('lukas.brandt@fabrikam.de');
  await page.goto('/apps');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await wellMade(page);
  await page.getByRole('searchbox', { name: w('apps.search') }).fill('draw');
  await expect(page.getByRole('link', { name: /Drawings library/ })).toBeVisible();
  await expect(page.getByRole('link', { name: /Ticket desk/ })).toHaveCount(0);
  await page.goto('/me');
  await expect(page.getByRole('heading', { level: 1, name: w('me.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('button', { name: w('me.signout') }).click();
  await expect(page).toHaveURL(/\/signin/);
  await wellMade(page);
});

test('a guest signs in from the page and lands where they wanted to go', async ({ page, doors, w, watch }) => {
  watch.refusals = [401];
  const lukas = 'lukas.brandt@fabrikam.de';
  await page.goto('/me');
  await expect(page).toHaveURL(/\/signin/);
  await wellMade(page);
  const seen = await mailCount(lukas);
  await page.getByLabel(w('email.label')).fill(lukas);
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page.getByRole('heading', { level: 1, name: w('code.title') })).toBeVisible();
  await wellMade(page);
  await page.getByRole('textbox', { name: w('code.label') }).fill(await doors.signInCode(lukas, seen));
  await page.getByRole('button', { name: w('continue') }).click();
  await expect(page).toHaveURL(/\/me$/);
  await expect(page.getByText(lukas).first()).toBeVisible();
});
