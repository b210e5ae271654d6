import { flushSync } from 'svelte';
import { SvelteURL } from 'svelte/reactivity';
import { afterEach, expect, it, vi } from 'vitest';
import { page } from '$app/state';
import { Inbox } from './inbox.svelte';

vi.mock('$app/state', async () => {
  const { SvelteURL } = await import('svelte/reactivity');
  return { page: { url: new SvelteURL('http://house/inbox?flow=supplier') } };
});
afterEach(() => vi.unstubAllGlobals());

it('a list that comes after somebody has left the inbox is taken without a complaint', async () => {
  let arrives = () => {};
  const arrived = new Promise<void>((resolve) => (arrives = resolve));
  vi.stubGlobal('fetch', async () => {
    await arrived;
    return new Response(
      JSON.stringify({ data: [{ id: 'req_1', flow: { slug: 'visitor', title: 'Visitors' } }] }),
    );
  });
  const warned = vi.spyOn(console, 'warn');
  let inbox: Inbox | undefined;
  const leave = $effect.root(() => {
    inbox = new Inbox();
    $effect(() => void inbox?.flow);
  });
  flushSync();
  leave();
  (page.url as SvelteURL).href = 'http://house/admin/health';
  arrives();
  await vi.waitFor(() => expect(inbox?.list.rows).toHaveLength(1));
  expect(inbox?.flows.map((f) => f.slug)).toEqual(['visitor', 'supplier']);
  expect(warned).not.toHaveBeenCalled();
});
