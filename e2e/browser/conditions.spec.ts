import { supplierAnswers } from './support/api';
import { address } from './support/mail';
import { expect, ines, test, wellMade } from './support/test';

const outside = ['/', '/join/supplier', '/join/supplier/email', '/signin', '/requests', '/help', '/privacy', '/accessibility'];

test('at 320 px nothing scrolls sideways', async ({ page, doors }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  for (const path of outside) {
    await page.goto(path);
    await wellMade(page);
  }
  const reference = await doors.ask('supplier', address('maria'), supplierAnswers);
  await page.goto(`/requests/${reference}`);
  await wellMade(page);
});

test('in the dark everything is legible', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of outside) {
    await page.goto(path);
    await wellMade(page);
    const [r = 255] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? []);
    expect(r, path).toBeLessThan(80);
  }
});

test('with forced colours every control has an edge', async ({ page, w }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.goto('/join/supplier/email');
  await wellMade(page);
  for (const control of [page.getByLabel(w('email.label')), page.getByRole('button', { name: w('continue') })]) {
    const edge = await control.evaluate((e) => {
      const s = getComputedStyle(e);
      return s.borderTopStyle !== 'none' && parseFloat(s.borderTopWidth) > 0;
    });
    expect(edge).toBe(true);
  }
});

test('with reduced motion nothing moves', async ({ page }) => {
  await page.goto('/join/supplier');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('*')].filter((e) => {
      const s = getComputedStyle(e);
      const longest = Math.max(...`${s.transitionDuration},${s.animationDuration}`.split(',').map((d) => parseFloat(d) * (d.includes('ms') ? 1 : 1000)));
      return longest > 20;
    }).map((e) => `${e.tagName}.${e.className}`),
  );
  expect(moving).toEqual([]);
});

test('text at 200 % is not cut off', async ({ page }) => {
  await page.setViewportSize({ width: 640, height: 480 });
  await page.goto('/join/supplier');
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
});

test('staff pages fit a phone of 320 px too', async ({ page, doors }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await doors.signIn(ines);
  for (const path of ['/inbox', '/guests', '/admin/flows', '/admin/health', '/apps', '/me']) {
    await page.goto(path);
    await wellMade(page);
  }
});
