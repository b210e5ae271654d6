import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { supplierAnswers } from './support/api';
import { address, codeIn, letter, pathIn } from './support/mail';
import { expect, jonas, test, tom, wellMade } from './support/test';

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

/** A site of somebody else's: another origin, with a page of its own. */
async function otherSite(html: string): Promise<{ url: string; server: Server }> {
  const server = createServer((_, res) => res.setHeader('Content-Type', 'text/html; charset=utf-8').end(html));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** Row T89: the browser shows no page of ours inside somebody else's. */
test('no page stands in a frame of another site', async ({ page, doors, baseURL, watch }) => {
  const email = address('maria');
  await doors.ask('supplier', email, supplierAnswers);
  await page.goto('/join/supplier');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const paths = ['/', '/join/supplier', '/l', '/signin', '/inbox', '/decide/x', '/requests', '/apps', '/setup'];
  const frames = paths.map((path) => `<iframe src="${baseURL}${path}"></iframe>`).join('');
  const { url, server } = await otherSite(`<!doctype html><title>other</title><h1>Other</h1>${frames}<iframe src="${baseURL}/favicon.svg"></iframe>`);
  await page.goto(url);
  await expect.poll(() => watch.seen.filter((line) => line.includes('frame-ancestors')).length).toBeGreaterThanOrEqual(paths.length);
  for (const frame of page.frames().slice(1)) {
    expect(frame.url(), 'the browser shows its own words there').toMatch(/^chrome-error:/);
  }
  watch.seen.splice(0); // the browser's lines about that are what was to be seen
  server.close();
});

/** Row T89: a picture, a form and a script of another site sign nobody out. */
test('another site signs nobody out', async ({ page, doors, baseURL, watch }) => {
  await doors.signIn(tom);
  const { url, server } = await otherSite(`<!doctype html><title>other</title><h1>Other</h1>
    <img src="${baseURL}/api/v1/signout" alt=""><img src="${baseURL}/signout" alt="">
    <form method="post" enctype="text/plain" action="${baseURL}/api/v1/signout"><input name='{"a":"' value='"}'><button>Win a prize</button></form>`);
  await page.goto(url);
  await page.evaluate((at) => fetch(at, { method: 'POST', credentials: 'include', mode: 'no-cors' }).catch(() => undefined), `${baseURL}/api/v1/signout`);
  const refused = page.waitForResponse((res) => res.url().endsWith('/api/v1/signout') && res.request().method() === 'POST');
  await page.getByRole('button').click();
  expect((await refused).status()).toBe(403);
  expect((await doors.read('/api/v1/me')).email, 'still signed in').toBe(tom);
  await page.goto(`${baseURL}/guests`);
  await expect(page).toHaveURL(/\/guests/);
  await wellMade(page);
  watch.seen.splice(0); // what the browser said about the other site
  server.close();
});
