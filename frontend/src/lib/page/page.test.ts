import { render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { expect, it, vi } from 'vitest';
import PublicFrame from './PublicFrame.svelte';
import { tenant } from './tenant.svelte';

it('the link in the top bar has a name before the company’s own has come', async () => {
  render(PublicFrame, { children: createRawSnippet(() => ({ render: () => '<h1>Sign in</h1>' })) });
  const brand = screen.getAllByRole('link')[0];
  expect(brand?.textContent?.trim()).toBe(location.host);
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ name: 'Contoso' })));
  await tenant.load();
  vi.unstubAllGlobals();
  await vi.waitFor(() => expect(brand?.textContent?.trim()).toBe('Contoso'));
});
