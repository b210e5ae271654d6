import { get as read, Problem } from '$lib/api';
import { askToSignIn } from '$lib/page/session.svelte';

/** As `get` of $lib/api; a session that ended meanwhile leads to sign-in and back to this page. */
export async function get<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  try {
    return await read(call);
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 401) await askToSignIn();
    throw thrown;
  }
}
