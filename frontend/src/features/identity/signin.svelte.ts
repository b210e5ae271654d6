import { api, get, type Schemas } from '$lib/api';
import { locale } from '$lib/i18n/index.svelte';
import { session } from '$lib/page/session.svelte';

const KEPT = 'vestibule.signin';
type Way = Schemas['SigninNext'];

/** A sign-in under way. Kept in this tab, so that a reload of the code page knows the address. */
class Signin {
  email = $state('');
  way = $state.raw<Way | undefined>();
  #returnTo: string | undefined;

  constructor() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as {
        email?: string;
        way?: Way;
        returnTo?: string;
      };
      this.email = kept.email ?? '';
      this.way = kept.way;
      this.#returnTo = kept.returnTo;
    } catch {
      // Storage refused: a reload begins again.
    }
  }

  async start(returnTo?: string): Promise<Way> {
    this.#returnTo = returnTo;
    return this.resend();
  }

  /** The same answer for every address; what differs is the mail. */
  resend = async (): Promise<Way> => {
    const body = {
      email: this.email.trim(),
      locale: locale(),
      ...(this.#returnTo ? { returnTo: this.#returnTo } : {}),
    };
    const way = await get(api.POST('/api/v1/signin', { body }));
    this.way = way;
    this.#keep({ email: this.email, way, returnTo: this.#returnTo });
    return way;
  };

  /** Signs in, and says where to go. */
  async finish(code: string): Promise<string> {
    const { next, me } = await get(api.POST('/api/v1/signin/code', { body: { code } }));
    session.begin(me);
    this.way = undefined;
    this.#keep({});
    return /^\/(?!\/)/.test(next) ? next : '/';
  }

  #keep(value: object): void {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(value));
    } catch {
      // As above.
    }
  }
}

export const signin = new Signin();
