/**
 * What this browser remembers of an unfinished sign-up: everything typed (this tab only, so a shared computer forgets it), and
 * that a sign-up was begun here at all, so that a first visit asks the server for nothing.
 */
import type { Answers } from './check';

export type Typed = { email: string; answers: Answers; consents: Record<string, boolean> };

const tab = (slug: string) => `vestibule.join.${slug}`;
const BEGUN = 'vestibule.join';

/** Storage may be refused; then a reload forgets, and nothing else happens. */
function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

export const keepTyped = (slug: string, typed: Typed): void => {
  quietly(() => sessionStorage.setItem(tab(slug), JSON.stringify(typed)));
};

export const readTyped = (slug: string): Partial<Typed> =>
  quietly(() => JSON.parse(sessionStorage.getItem(tab(slug)) ?? '{}') as Partial<Typed>) ?? {};

export const forgetTyped = (slug: string): void => {
  quietly(() => sessionStorage.removeItem(tab(slug)));
};

/** The flow that was begun last in this browser, or ''. */
export const begunFlow = (): string => quietly(() => localStorage.getItem(BEGUN)) ?? '';
export const rememberBegun = (slug: string): void => {
  quietly(() => localStorage.setItem(BEGUN, slug));
};
/** Begins anew: what was typed is gone, and the next address begins another sign-up. */
export const forgetBegun = (slug: string): void => {
  forgetTyped(slug);
  quietly(() => localStorage.removeItem(BEGUN));
};
