import { locale } from '$lib/i18n/index.svelte';

/** The name of a language in the reader's language. */
export const languageName = (code: string): string =>
  new Intl.DisplayNames(locale(), { type: 'language', fallback: 'code' }).of(code) ?? code;
