import { untrack } from 'svelte';
import { asProblem, type Problem } from '$lib/api';
import { Resource } from '$lib/api/resource.svelte';

export type Page<T> = { data: T[]; hasMore: boolean; next?: string; estimate?: number };
type At = { after?: string; limit?: number };

/** The most rows that one answer of the API holds. */
const MOST = 100;

/**
 * A keyset list: the first page, then more on request. `fetchPage` is read reactively, so that the list starts over
 * when a filter that it reads changes.
 */
export class Paged<T extends { id: string }> {
  rows = $state.raw<T[]>([]);
  hasMore = $state(false);
  next = $state.raw<string | undefined>();
  estimate = $state.raw<number | undefined>();
  busy = $state(false);
  /** Grows each time the list starts over. */
  begun = $state(0);
  /** Why the last “show more” failed. */
  problem = $state.raw<Problem | undefined>();
  readonly head: Resource<number>;
  #turn = 0;
  readonly #fetch: (at: At) => Promise<Page<T>>;

  constructor(fetchPage: (at: At) => Promise<Page<T>>, start: () => string | undefined = () => undefined) {
    this.#fetch = fetchPage;
    this.head = new Resource(async () => {
      const turn = ++this.#turn;
      const page = await fetchPage({ after: untrack(start) });
      if (turn === this.#turn) untrack(() => this.#begin(page));
      return turn;
    });
  }

  #begin(page: Page<T>): void {
    this.rows = page.data;
    this.begun++;
    this.problem = undefined;
    this.#follow(page);
  }

  #follow(page: Page<T>): void {
    this.hasMore = page.hasMore;
    this.next = page.next;
    this.estimate = page.estimate ?? this.estimate;
  }

  /** Adds the next page. Resolves to whether it came. */
  more = async (): Promise<boolean> => {
    if (this.busy || !this.next) return false;
    const turn = this.#turn;
    this.busy = true;
    this.problem = undefined;
    try {
      const page = await this.#fetch({ after: this.next });
      if (turn !== this.#turn) return false;
      const had = new Set(this.rows.map((r) => r.id));
      this.rows = [...this.rows, ...page.data.filter((r) => !had.has(r.id))];
      this.#follow(page);
      return true;
    } catch (thrown) {
      this.problem = asProblem(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  };

  /**
   * Reads again what is shown, quietly: what fails now is tried at the next time. Rows that `keep` names stay where they
   * are even when the server no longer lists them here.
   */
  refresh = async (keep: (row: T) => boolean = () => false): Promise<void> => {
    const turn = this.#turn;
    const shown = Math.min(MOST, Math.max(this.rows.length, 25));
    try {
      const page = await this.#fetch({ limit: shown });
      if (turn !== this.#turn || this.busy) return;
      const beyond = this.rows.length > MOST;
      this.rows = merge(page.data, this.rows, (row, i) => keep(row) || (beyond && i >= MOST));
      if (!beyond) this.#follow(page);
      else this.estimate = page.estimate ?? this.estimate;
    } catch {
      // Offline or busy: what is shown stays, and the banner of the frame says so.
    }
  };
}

/** The new rows, with those of the old ones that are kept at the place where they stood. */
export function merge<T extends { id: string }>(
  fresh: T[],
  old: T[],
  keep: (row: T, at: number) => boolean,
): T[] {
  const has = new Set(fresh.map((r) => r.id));
  const out = [...fresh];
  old.forEach((row, at) => {
    if (!has.has(row.id) && keep(row, at)) out.splice(Math.min(at, out.length), 0, row);
  });
  return out;
}
