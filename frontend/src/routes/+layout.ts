import { startLanguage } from '$lib/i18n/index.svelte';
import { tenant } from '$lib/page/tenant.svelte';

// One shell for every address; everything is drawn in the browser.
export const ssr = false;
export const prerender = false;

export async function load() {
  void tenant.load();
  await startLanguage();
}
