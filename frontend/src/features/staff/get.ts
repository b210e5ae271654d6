import { get as read, Problem } from '$lib/api';
import { askToSignIn } from '$lib/page/session.svelte';

let quiet = false;

/** Reads that nobody asked for: should the session have ended, the page stays as it is until somebody does something. */
export function quietly(reads: () => unknown): void {
  quiet = true;
  try {
    reads();
  } finally {
    quiet = false;
  }
}

/** As `get` of $lib/api; a session that ended meanwhile leads to sign-in and back to this page. */
export async function get<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const stays = quiet;
  try {
    return await read(call);
  } catch (thrown) {
    if (!stays && thrown instanceof Problem && thrown.status === 401) await askToSignIn();
    throw thrown;
  }
}
