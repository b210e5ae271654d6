import { api, asProblem, get, type Problem, type Schemas } from '$lib/api';
import { locale } from '$lib/i18n/index.svelte';

export type RequestView = Schemas['RequestView'];

const POLL_MS = 20_000;
const POLL_MAX_MS = 120_000;
const NOT_MINE = [401, 403, 404];

/**
 * One request, live: read once, then by server-sent events; where those don't pass, by asking every 20 s, later every 2 minutes,
 * and not at all while the page is hidden. Created during a component's start.
 */
export class Follow {
  view = $state.raw<RequestView | undefined>();
  /** Why it could not be read at first. */
  problem = $state.raw<Problem | undefined>();
  /** When it was last known to be right, while the server cannot be reached. */
  staleSince = $state<Date | undefined>();
  readonly reference: string;
  #read = new Date();
  #pause = POLL_MS;
  #events: EventSource | undefined;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(reference: string) {
    this.reference = reference;
    $effect(() => {
      locale();
      void this.read();
      return () => this.#stop();
    });
  }

  get #path() {
    return { params: { path: { reference: this.reference } } };
  }

  read = async (): Promise<void> => {
    try {
      this.take(await get(api.GET('/api/v1/requests/{reference}', this.#path)));
      this.#listen();
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (this.view && !NOT_MINE.includes(problem.status)) {
        this.staleSince = this.#read;
        return;
      }
      // The browser's right to see it has ended: prove the address again.
      this.#stop();
      this.view = undefined;
      this.problem = problem;
    }
  };

  /** Not this browser's, or not there: the server does not say which. */
  get notMine(): boolean {
    return this.problem !== undefined && NOT_MINE.includes(this.problem.status);
  }

  take(view: RequestView): void {
    this.view = view;
    this.problem = undefined;
    this.staleSince = undefined;
    this.#read = new Date();
    this.#pause = POLL_MS;
  }

  async withdraw(): Promise<void> {
    this.take(await get(api.POST('/api/v1/requests/{reference}/withdraw', this.#path)));
  }

  async reply(text: string, key: Record<string, string>): Promise<void> {
    this.take(
      await get(
        api.POST('/api/v1/requests/{reference}/reply', { ...this.#path, body: { text }, headers: key }),
      ),
    );
  }

  /** Events while they flow, questions when they don't. */
  #listen(): void {
    if (this.#events) return;
    this.#events = new EventSource(`/api/v1/requests/${encodeURIComponent(this.reference)}/events`);
    this.#events.addEventListener('request', (event) => {
      clearTimeout(this.#poll);
      this.take(JSON.parse((event as MessageEvent<string>).data) as RequestView);
    });
    this.#events.onerror = () => this.#askLater();
  }

  #askLater(): void {
    clearTimeout(this.#poll);
    this.#poll = setTimeout(async () => {
      if (!document.hidden) await this.read();
      this.#pause = Math.min(this.#pause * 2, POLL_MAX_MS);
      if (this.#events) this.#askLater();
    }, this.#pause);
  }

  #stop(): void {
    this.#events?.close();
    this.#events = undefined;
    clearTimeout(this.#poll);
  }
}
