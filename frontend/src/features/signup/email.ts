import type { FieldErrors } from '$lib/form/form.svelte';
import { t } from '$lib/i18n/index.svelte';
import { email } from './values';

/** The same rule for every field where somebody gives their own address. */
export function checkEmail(text: string): FieldErrors {
  if (text.trim() === '') return { email: t('email.empty') };
  return email(text.trim()).code ? { email: t('email.shape') } : {};
}

// Not company domains: the ones that people mistype most.
const POPULAR = ['gmail.com', 'hotmail.com', 'outlook.com', 'yahoo.com', 'icloud.com', 'web.de', 'gmx.de'];

/** The address that was probably meant, if its domain is one step away from a popular one. A hint, never a refusal. */
export function suggestion(text: string): string | undefined {
  const [local, domain] = text.trim().toLowerCase().split('@');
  if (!local || !domain || POPULAR.includes(domain)) return undefined;
  const meant = POPULAR.find((p) => oneStep(domain, p));
  return meant && `${local}@${meant}`;
}

/** One letter wrong, missing, extra, or two swapped. */
function oneStep(a: string, b: string): boolean {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  const [x, y] = [a.slice(i), b.slice(i)];
  return (
    x.slice(1) === y.slice(1) ||
    x.slice(1) === y ||
    x === y.slice(1) ||
    (x.slice(2) === y.slice(2) && x[0] === y[1] && x[1] === y[0])
  );
}
