import { locale } from '$lib/i18n/index.svelte';
import { asProblem, type Problem } from './problem';

/** Nothing is shown for 300 ms, then the shape of the page; after 8 s the page says that it takes long. */
const SKELETON_MS = 300;
const SLOW_MS = 8_000;

/**
 * Something read from the server, for a page to show. Created during a component's start; reads again when what `load`
 * reads synchronously changes, and when the language does. `Loaded.svelte` draws its states.
 */
export class Resource<T> {
  data = $state.raw<T | undefined>();
  problem = $state.raw<Problem | undefined>();
  /** quiet: not yet worth showing · skeleton · slow: say so and offer to try again · done */
  wait = $state<'quiet' | 'skeleton' | 'slow' | 'done'>('quiet');
  #turn = 0;
  #load: () => Promise<T>;

  constructor(load: () => Promise<T>) {
    this.#load = load;
    $effect(() => {
      locale();
      void this.reload();
    });
  }

  /** Reads again. What is shown stays until the answer is there. */
  reload = async (): Promise<void> => {
    const turn = ++this.#turn;
    const mine = () => turn === this.#turn;
    const loading = this.#load();
    this.problem = undefined;
    this.wait = 'quiet';
    const timers = [
      setTimeout(() => mine() && (this.wait = 'skeleton'), SKELETON_MS),
      setTimeout(() => mine() && (this.wait = 'slow'), SLOW_MS),
    ];
    try {
      const data = await loading;
      if (mine()) this.data = data;
    } catch (thrown) {
      if (mine()) this.problem = asProblem(thrown);
    }
    timers.forEach(clearTimeout);
    if (mine()) this.wait = 'done';
  };
}
