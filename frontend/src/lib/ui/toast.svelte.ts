export type Toast = { id: number; text: string; action?: { label: string; run: () => void } };

/** How long a toast stays; one with something to press stays long enough to be read and pressed. */
const STAYS_MS = 6_000;
const STAYS_WITH_ACTION_MS = 10_000;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 1;

  show(text: string, action?: Toast['action']): void {
    const item: Toast = { id: this.#next++, text, action };
    this.list = [...this.list, item];
    setTimeout(() => this.#drop(item), action ? STAYS_WITH_ACTION_MS : STAYS_MS);
  }

  act(item: Toast): void {
    this.#drop(item);
    item.action?.run();
  }

  #drop(item: Toast): void {
    this.list = this.list.filter((other) => other.id !== item.id);
  }
}

export const toasts = new Toasts();
