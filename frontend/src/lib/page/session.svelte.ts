import { goto } from '$app/navigation';
import { api, get, Problem, type Schemas } from '$lib/api';

export type Me = Schemas['Me'];
export type Right = Me['rights'][number];

const HINT = 'vestibule.signedin';

/** Who is signed in, as far as this page knows. */
class Session {
  me = $state.raw<Me | undefined>();

  /** Whether it is worth asking: somebody signed in with this browser. Keeps visitors' pages from asking for nothing. */
  get likely(): boolean {
    try {
      return localStorage.getItem(HINT) === '1';
    } catch {
      return false;
    }
  }

  /** Asks the server; undefined when nobody is signed in. */
  async read(): Promise<Me | undefined> {
    try {
      this.begin(await get(api.GET('/api/v1/me')));
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.status !== 401) throw thrown;
      this.end();
    }
    return this.me;
  }

  begin(me: Me): void {
    this.me = me;
    remember('1');
  }

  end(): void {
    this.me = undefined;
    remember(null);
  }

  async signOut(): Promise<void> {
    await get(api.POST('/api/v1/signout'));
    this.end();
  }

  may(right: Right): boolean {
    return this.me?.rights.includes(right) ?? false;
  }
}

function remember(value: '1' | null): void {
  try {
    if (value) localStorage.setItem(HINT, value);
    else localStorage.removeItem(HINT);
  } catch {
    // Without storage the hint is simply not there.
  }
}

export const session = new Session();

/** Leads to sign-in and back to this very address. */
export async function askToSignIn(): Promise<void> {
  const here = location.pathname + location.search;
  await goto(`/signin?returnTo=${encodeURIComponent(here)}&ended=${session.likely ? 1 : 0}`, {
    replaceState: true,
  });
}
