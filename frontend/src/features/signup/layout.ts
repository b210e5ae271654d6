/** How the questions of a page are laid out: pairs beside each other, follow-ups inside the answer that opens them. */
import type { Field } from './check';

/** The answers of `field` that open questions among `siblings`, with those questions. */
export function opensBelow(field: Field, siblings: Field[]): Map<string, Field[]> {
  const out = new Map<string, Field[]>();
  if (field.type !== 'choice' && field.type !== 'choices') return out;
  for (const other of siblings) {
    for (const value of openers(other, field)) out.set(value, [...(out.get(value) ?? []), other]);
  }
  return out;
}

/** The one choice that a question hangs on, if it hangs on exactly one answer of it: only then can it stand in its row. */
function openers(question: Field, choice: Field): string[] {
  const { when } = question;
  if (!when || when.field !== choice.name || typeof when.is !== 'string') return [];
  return choice.options?.some((o) => o.value === when.is) && choice.options.length <= 7 ? [when.is] : [];
}

/** The rows of a page: one question each, given and family name together. Questions drawn inside another are left out. */
export function rows(fields: Field[]): Field[][] {
  const inner = new Set(fields.flatMap((f) => [...opensBelow(f, fields).values()].flat()));
  const out: Field[][] = [];
  for (const field of fields.filter((f) => !inner.has(f))) {
    const before = out.at(-1);
    const pairs =
      before?.length === 1 &&
      before[0]?.autocomplete === 'given-name' &&
      field.autocomplete === 'family-name';
    if (pairs) before.push(field);
    else out.push([field]);
  }
  return out;
}
