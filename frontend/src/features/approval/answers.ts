import type { Schemas } from '$lib/api';
import { country, date, list, number, t } from '$lib/i18n/index.svelte';

/** An answer as a person reads it: choices by their label, countries and dates in the reader's language. */
export function answerText(answer: Schemas['AnswerShown']): string {
  const { value, type, display } = answer;
  if (value === undefined || value === null || value === '') return display ?? '';
  if (typeof value === 'boolean') return value ? t('answer.yes') : t('answer.no');
  if (type === 'country' && typeof value === 'string') return country(value);
  if (type === 'date' && typeof value === 'string') return date(value);
  if (display) return display;
  if (typeof value === 'number') return number(value);
  return Array.isArray(value) ? list(value.map(String)) : String(value);
}

/** What the directory keeps of an answer, as a person reads it. Kept answers are texts: choices are their labels already. */
export function attributeText({ name, label, type, value }: Attribute): string {
  return answerText({ name, label: label ?? name, type: type ?? '', value, display: value });
}

type Attribute = { name: string; label?: string; type?: string; value: string };
