import type { Page } from '@playwright/test';
import { supplierAnswers } from './support/api';
import { address, letter, mailCount, pathIn } from './support/mail';
import { expect, jonas, test } from './support/test';

/**
 * Row T05: a scanner in whoever's own browser, with their cookies and with scripts, opens what was mailed and presses
 * nothing, for as long as the longest of them look at a page.
 */
async function scans(page: Page, path: string): Promise<void> {
  const writes: string[] = [];
  page.on('request', (r) => {
    if (!['GET', 'HEAD'].includes(r.method())) writes.push(`${r.method()} ${r.url()}`);
  });
  await page.clock.install();
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await page.waitForLoadState('networkidle');
  await page.clock.fastForward(60_000);
  await page.waitForLoadState('networkidle');
  expect(writes, 'a page that nobody presses only reads').toEqual([]);
}

test('a scanner in the browser that began a sign-up proves nothing', async ({ page, doors, w }) => {
  const email = address('maria');
  await doors.begin('supplier', email, 'en');
  const link = pathIn(await letter(email), 'l');
  const before = await doors.read('/api/v1/signups/current');
  await scans(page, link);
  expect(await doors.read('/api/v1/signups/current')).toEqual(before);
  expect(before.signup.step).toBe('code');
  await page.getByRole('button', { name: w('link.yes') }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'About you' })).toBeVisible();
});

test('a scanner in the browser that asked for a sign-in signs nobody in', async ({ page, doors, w, watch }) => {
  watch.refusals = [401];
  const karin = 'k.vogt@contoso.com'; // whom no other test signs in
  const seen = await mailCount(karin);
  await doors.post('/api/v1/signin', { email: karin });
  const link = pathIn(await letter(karin, { seen }), 'l');
  await scans(page, link);
  expect((await page.context().cookies()).map((c) => c.name)).not.toContain('vestibule_session');
  expect((await page.context().request.get('/api/v1/me')).status()).toBe(401);
  await page.getByRole('button', { name: w('link.yes') }).click();
  await expect.poll(async () => (await page.context().request.get('/api/v1/me')).status()).toBe(200);
});

/** What an approver sees, but for the clock: an end that is counted from now, and how far mails have come. */
const standing = ({ endsAt, deliveries, ...rest }: Record<string, any>) => ({
  ...rest,
  mails: deliveries.map((d: { id: string; kind: string; to: string }) => [d.id, d.kind, d.to]).sort(),
  ends: typeof endsAt,
});

test('a scanner in the browser of an approver who is signed in decides nothing', async ({ page, doors, another }) => {
  const maria = await another();
  // Of a company that nobody else is of: the approver sees how many colleagues have access.
  const reference = await maria.doors.ask('supplier', address('maria', 'tailspintoys.de'), supplierAnswers);
  const link = pathIn(await letter(jonas, { about: reference }), 'decide');
  await doors.signIn(jonas);
  const id = await doors.approvalID(reference);
  const before = { seen: standing(await doors.read(`/api/v1/approvals/${id}`)), request: await maria.doors.read(`/api/v1/requests/${reference}`) };
  await scans(page, link);
  await expect(page.getByText(reference).first(), 'the approver sees the request').toBeVisible();
  expect(standing(await doors.read(`/api/v1/approvals/${id}`))).toEqual(before.seen);
  expect(await maria.doors.read(`/api/v1/requests/${reference}`)).toEqual(before.request);
  expect(before.request.state).toBe('pending');
});
