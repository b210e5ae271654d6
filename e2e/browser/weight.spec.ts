import { expect, test } from './support/test';

/** What a partner on a phone waits for: /join/supplier on an empty cache. */
test('the sign-up page is light', async ({ page, context }) => {
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const kinds = new Map<string, string>();
  const sizes = new Map<string, number>();
  session.on('Network.responseReceived', (e) => kinds.set(e.requestId, `${e.type} ${new URL(e.response.url).pathname}`));
  session.on('Network.loadingFinished', (e) => sizes.set(e.requestId, e.encodedDataLength));
  await page.goto('/join/supplier', { waitUntil: 'networkidle' });
  await expect(page.getByRole('heading', { level: 1, name: 'Supplier access' })).toBeVisible();
  const told = [...kinds].map(([id, kind]) => `${kind} ${sizes.get(id) ?? 0}`).join('\n');
  expect(kinds.size, told).toBeLessThanOrEqual(12);
  let code = 0;
  for (const [id, kind] of kinds) if (/^(Script|Stylesheet|Preload) |\.(js|css)$/.test(kind)) code += sizes.get(id) ?? 0;
  expect(code, told).toBeLessThanOrEqual(60_000);
});
