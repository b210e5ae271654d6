import type { Schemas } from '$lib/api';
import { has, t } from '$lib/i18n/index.svelte';

const say = t as (key: string) => string;

/** What a mail is, in words; an unknown kind as the server calls it. */
export function mailWords(kind: string): string {
  const key = `mail.kind.${kind}`;
  return has(key) ? say(key) : kind;
}

/** Whether it arrived, in words. */
export const deliveryWords = (state: Schemas['Delivery']['state']): string => t(`mail.state.${state}`);
