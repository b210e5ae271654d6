import { quietly } from './get';

/** How often a page that somebody looks at reads again. */
export const LIVE_MS = 30_000;

/**
 * Runs `read` when the window is looked at again, and every `every` milliseconds while it is visible. Called during a
 * component's start; it never moves focus, because only data changes.
 */
export function live(read: () => unknown, every = LIVE_MS): void {
  $effect(() => {
    const look = () => {
      if (document.visibilityState === 'visible' && navigator.onLine) quietly(read);
    };
    const timer = setInterval(look, every);
    window.addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      window.removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  });
}
