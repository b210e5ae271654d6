import { loadStaffWords } from '$lib/i18n/index.svelte';

export async function load({ parent }) {
  await parent();
  await loadStaffWords();
}
