import type { Event } from './sentences';

/** Events by the reader's calendar day, in the order given. */
export function byDay(events: Event[]): { id: string; at: string; events: Event[] }[] {
  const out: { id: string; at: string; events: Event[] }[] = [];
  for (const e of events) {
    const at = new Date(e.at);
    const id = `${at.getFullYear()}-${at.getMonth()}-${at.getDate()}`;
    if (out.at(-1)?.id !== id) out.push({ id, at: e.at, events: [] });
    out.at(-1)?.events.push(e);
  }
  return out;
}
