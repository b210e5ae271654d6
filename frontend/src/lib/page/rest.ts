import { loadWords } from '$lib/i18n/index.svelte';

/** What every page but the first of a sign-up needs besides the shell: its words and the looks of fields, lists and tiles. */
export const loadRest = (): Promise<unknown> =>
  Promise.all([loadWords('pages'), import('../../css/pages.css')]);
