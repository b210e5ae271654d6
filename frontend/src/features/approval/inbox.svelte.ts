import { page } from '$app/state';
import { api } from '$lib/api';
import { get } from '$features/staff/get';
import { Paged } from '$features/staff/paged.svelte';
import type { Row } from './group';
import { Decision, type Approval } from './decision.svelte';
import { outcome } from './words';
import { t } from '$lib/i18n/index.svelte';

export const STATES = ['waiting', 'asked', 'done'] as const;
export type State = (typeof STATES)[number];
type Filter = { state?: State; flow?: string; search?: string };

/** The inbox of one approver: what the address asks for, the list, and the acts that were begun on its requests. */
export class Inbox {
  readonly state = $derived(STATES.find((s) => s === page.url.searchParams.get('state')) ?? 'waiting');
  readonly flow = $derived(page.url.searchParams.get('flow') ?? '');
  readonly search = $derived(page.url.searchParams.get('search') ?? '');
  readonly list: Paged<Row>;
  /** Requests decided or asked about while their row stood in the list: the row stays, and says so. */
  settled = $state.raw<Record<string, Approval>>({});
  flows = $state.raw<{ slug: string; title: string }[]>([]);
  readonly #decisions = new Map<string, Decision>();

  constructor() {
    this.list = new Paged<Row>(async (at) => {
      const { state, flow, search } = this; // what is read after the answer may be of another page's address
      const query = { state, flow: flow || undefined, search: search || undefined, ...at };
      const found = await get(api.GET('/api/v1/approvals', { params: { query } }));
      this.#learn(found.data, flow);
      return found;
    });
  }

  /** The address of a request, or of the list, with what is filtered. */
  href(id: string, change: Filter = {}): string {
    const f = { state: this.state, flow: this.flow, search: this.search, ...change };
    const query = new URLSearchParams();
    if (f.state !== 'waiting') query.set('state', f.state);
    if (f.flow) query.set('flow', f.flow);
    if (f.search) query.set('search', f.search);
    const tail = query.toString();
    return `/inbox${id ? `/${id}` : ''}${tail ? `?${tail}` : ''}`;
  }

  /** The act on a request: the same one while the page is open, so that what was typed is still there. */
  decision(id: string): Decision {
    let found = this.#decisions.get(id);
    if (!found) {
      found = new Decision(id, (a) => (this.settled = { ...this.settled, [id]: a }));
      this.#decisions.set(id, found);
    }
    return found;
  }

  settledWords(id: string): string | undefined {
    const a = this.settled[id];
    if (!a || this.state === 'done') return undefined;
    if (a.state === 'needs_info' && this.state === 'waiting') return t('settled.asked');
    return outcome(a) ?? (a.canDecide ? undefined : t('settled.passed'));
  }

  refresh = (): Promise<void> => this.list.refresh((row) => row.id in this.settled);

  /** The row after or before this one; the first if none is given. */
  beside(id: string | undefined, step: 1 | -1): string | undefined {
    const { rows } = this.list;
    const at = rows.findIndex((r) => r.id === id);
    return at < 0 ? rows[0]?.id : rows[at + step]?.id;
  }

  #learn(rows: Row[], flow: string): void {
    const known = new Map(
      [...this.flows, ...rows.map((r) => r.flow)].map((f) => [f.slug, { slug: f.slug, title: f.title }]),
    );
    if (flow && !known.has(flow)) known.set(flow, { slug: flow, title: flow });
    this.flows = [...known.values()];
  }
}
