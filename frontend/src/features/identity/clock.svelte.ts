import { number } from '$lib/i18n/index.svelte';

/** The present moment, once a second, for countdowns; nothing announces it. Created during a component's start. */
export class Clock {
  now = $state(Date.now());

  constructor() {
    $effect(() => {
      const timer = setInterval(() => (this.now = Date.now()), 1000);
      return () => clearInterval(timer);
    });
  }
}

/** “0:24”. */
export const countdown = (seconds: number): string =>
  `${number(Math.floor(seconds / 60))}:${number(seconds % 60, { minimumIntegerDigits: 2 })}`;
