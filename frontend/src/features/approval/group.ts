import { daysFromToday } from '$lib/i18n/index.svelte';
import type { Schemas } from '$lib/api';

export type Row = Schemas['ApprovalSummary'];
/** past: it was due before now · none: no time is set · otherwise one calendar day of the reader. */
export type Group = { id: string; day: 'past' | 'none' | number; rows: Row[] };

/**
 * The rows by the day they are due, or for decided ones the day they were decided, in the order given. The same group
 * never stands twice, even where the order of the server and the reader's time zone differ.
 */
export function groupByDay(rows: Row[], by: 'due' | 'decided', now = new Date()): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const day = dayOf(row, by, now);
    const id = String(day);
    const group = groups.get(id) ?? { id, day, rows: [] };
    group.rows.push(row);
    groups.set(id, group);
  }
  return [...groups.values()];
}

function dayOf(row: Row, by: 'due' | 'decided', now: Date): Group['day'] {
  const at = by === 'due' ? row.dueAt : (row.decidedAt ?? row.submittedAt);
  if (!at) return 'none';
  if (by === 'due' && new Date(at) < now) return 'past';
  return daysFromToday(at, now);
}
