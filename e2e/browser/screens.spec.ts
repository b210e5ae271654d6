import type { Page } from '@playwright/test';
import { Doors } from './support/api';
import { houses } from './support/house';
import { letter, mailCount, openInMailbox, pathIn } from './support/mail';
import { contextOf, looks, nameOf, picture, type Look } from './support/screens';
import { expect, ines, jonas, test, wellMade } from './support/test';

/** The applicant of a round: an address and the answers that everybody must give. */
function applicant(look: Look) {
  const [given, family] = look.who;
  const email = `${given}.${family}@fabrikam.de`.toLowerCase();
  const answers = {
    givenNames: given,
    familyName: family,
    company: 'Fabrikam GmbH',
    jobTitle: 'Service engineer',
    why: 'maintain',
    site: 'hamburg',
    purpose: 'Compressor maintenance in hall 3. We start on Monday and need the current drawings.',
    insured: true,
  };
  return { email, answers };
}

for (const look of looks) {
  test.describe(`@screens ${nameOf(look)}`, () => {
    test.use({ lang: look.lang, ...contextOf(look) });
    test.slow();

    /** Opens a path and takes its picture, once it is whole. */
    const show = (page: Page, info: import('@playwright/test').TestInfo) => async (name: string, path?: string) => {
      if (path) await page.goto(path);
      await wellMade(page);
      await picture(page, look, name, info);
    };

    test('pages for everybody', async ({ page, watch }, info) => {
      watch.refusals = [401, 404];
      const take = show(page, info);
      for (const [name, path] of [
        ['home', '/'], ['join-start', '/join/supplier'], ['join-email', '/join/supplier/email'], ['signin', '/signin'],
        ['requests', '/requests'], ['help', '/help'], ['privacy', '/privacy'], ['accessibility', '/accessibility'],
        ['not-found', '/nothing/here'],
      ] as const) await take(name, path);
    });

    test('a request, step by step', async ({ page, doors, another, w, watch }, info) => {
      watch.refusals = [401, 404, 410];
      const take = show(page, info);
      const { email, answers } = applicant(look);
      const seen = await mailCount(email);
      await page.goto('/join/supplier/email');
      await page.getByLabel(w('email.label')).fill(email);
      await page.getByRole('button', { name: w('continue') }).click();
      await expect(page.getByRole('heading', { level: 1, name: w('code.title') })).toBeVisible();
      await take('join-code');
      const other = await another(contextOf(look));
      await other.page.goto(pathIn(await letter(email, { seen }), 'l'));
      await expect(other.page.getByRole('heading', { level: 1, name: w('link.other.title') })).toBeVisible();
      await show(other.page, info)('link');

      const reference = await doors.ask('supplier', email, answers, look.lang);
      await take('request-pending', `/requests/${reference}`);
      const { page: desk, doors: sponsor } = await another(contextOf(look));
      await sponsor.signIn(jonas);
      const id = await sponsor.approvalID(reference);
      await desk.goto(pathIn(await letter(jonas, { about: reference }), 'decide'));
      await expect(desk.getByRole('heading', { level: 1, name: w('decide.title') })).toBeVisible();
      await show(desk, info)('decide');
      await sponsor.question(id, 'Which hall do you need drawings for?');
      await take('request-question', `/requests/${reference}`);
      await doors.post(`/api/v1/requests/${reference}/reply`, { text: 'Hall 3 and the pump room behind it.' });
      await sponsor.decide(id, { decision: 'approve' });
      await take('request-active', `/requests/${reference}`);
    });

    test('the questions, their mistakes and a denial', async ({ page, doors, another, w, watch }, info) => {
      watch.refusals = [401, 404];
      const take = show(page, info);
      const { email, answers } = applicant({ ...look, who: [look.who[0], `${look.who[1]}-Berg`] });
      const id = await doors.prove('supplier', email, look.lang);
      await page.goto('/join/supplier/details/you');
      await expect(page.getByRole('button', { name: w('continue') })).toBeVisible();
      await page.getByRole('button', { name: w('continue') }).click();
      await expect(page.getByRole('heading', { name: w('summary.title') })).toBeVisible();
      await take('join-details-error');
      const kept = await page.context().request.patch(`/api/v1/signups/${id}`, { data: { answers }, headers: { Origin: new URL(page.url()).origin } });
      expect(kept.ok(), await kept.text()).toBe(true);
      await take('join-details', '/join/supplier/details/work');
      await take('join-review', '/join/supplier/review');
      const reference = await doors.submit('supplier', id, answers);
      const sponsor = new Doors((await another()).page.context(), houses().demo.url);
      await sponsor.signIn(jonas);
      await sponsor.decide(await sponsor.approvalID(reference), {
        decision: 'deny',
        reason: 'Your company has no contract for this site yet. Ask your purchasing team to write to ours.',
        shareReason: true,
      });
      await take('request-denied', `/requests/${reference}`);
    });

    test('a guest’s pages', async ({ page, doors }, info) => {
      const take = show(page, info);
      await doors.signIn('lukas.brandt@fabrikam.de');
      await page.goto('/apps');
      await expect(page.getByRole('link', { name: /Drawings library/ }).first()).toBeVisible();
      await take('apps');
      await take('me', '/me');
    });

    test('a sponsor’s pages', async ({ page, doors, watch }, info) => {
      watch.refusals = [403];
      const take = show(page, info);
      await doors.signIn(jonas);
      await page.goto('/inbox');
      await expect(page.getByRole('link', { name: /Yuki|Chiara|Tomasz|Aylin|Maria/ }).first()).toBeVisible();
      await take('inbox');
      const { data } = await doors.read('/api/v1/approvals?search=lindqvist');
      if (data[0]) await take('inbox-request', `/inbox/${data[0].id}`);
      await page.goto('/guests');
      await expect(page.getByRole('link', { name: /@|Romano|Brandt|Ferrari|[A-Z]/ }).first()).toBeVisible();
      await take('guests');
      const { data: found } = await doors.read('/api/v1/guests?search=lukas.brandt');
      await take('guest', `/guests/${found[0].id}`);
      await take('no-right', '/admin/jobs');
    });

    test('an administrator’s pages', async ({ page, doors }, info) => {
      const take = show(page, info);
      await doors.signIn(ines);
      for (const [name, path] of [
        ['flows', '/admin/flows'], ['flow', '/admin/flows/supplier'], ['jobs', '/admin/jobs'], ['health', '/admin/health'], ['developers', '/developers'],
        ['api', '/developers/api'],
      ] as const) {
        await page.goto(path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await take(name);
      }
    });

    test('the set-up page', async ({ page, watch }, info) => {
      watch.refusals = [410]; // another test may have set the house up meanwhile
      await page.goto(houses().setup.link);
      await show(page, info)('setup');
    });

    test('the mailbox', async ({ page, another, w }, info) => {
      const base = houses().mailbox.url;
      const other = await another({ baseURL: base, ...contextOf(look) });
      await other.doors.begin('supplier', applicant(look).email, look.lang, base);
      await page.goto(`${base}/_mail`);
      await openInMailbox(page, applicant(look).email);
      await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
      expect(String(w('mailbox.title'))).not.toBe('');
      await show(page, info)('mailbox');
    });
  });
}
