import { getContext, setContext } from 'svelte';
import { api, get, Problem, type Schemas } from '$lib/api';
import { locale } from '$lib/i18n/index.svelte';
import { check, visible, type Answers } from './check';
import { begunFlow, forgetBegun, forgetTyped, keepTyped, readTyped, rememberBegun } from './store';
import { toSend } from './words';

type Signup = Schemas['Signup'];
export type Step = 'email' | 'code' | 'details' | 'review';

/** How long after the last key the draft is sent. */
const DRAFT_MS = 800;
/** How long after a failure it is tried again. */
const AGAIN_MS = 10_000;

/**
 * One person's way through a flow: what the server knows (`signup`), what was typed (`answers`), and what lies between. Lives
 * in the layout of the steps of /join/[flow]. Everything typed is in the tab's storage at once and, after proof, in
 * the server's draft soon after, so back, reload, an ended session and a lost connection keep it.
 */
export class Journey {
  readonly slug: string;
  signup = $state.raw<Signup | null>(null);
  email = $state('');
  answers = $state<Answers>({});
  consents = $state<Record<string, boolean>>({});
  draft = $state<'none' | 'saving' | 'saved' | 'failed'>('none');
  savedAt = $state<string | undefined>();
  /** The server no longer knows this sign-up, though its answers are still here. */
  ended = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sent: Answers = {};

  constructor(slug: string) {
    this.slug = slug;
    const typed = readTyped(slug);
    this.email = typed.email ?? '';
    this.answers = typed.answers ?? {};
    this.consents = typed.consents ?? {};
  }

  /** Whether asking the server for a sign-up can find one. */
  get begun(): boolean {
    return begunFlow() === this.slug;
  }

  get proved(): boolean {
    return this.signup?.step === 'details';
  }

  /** Asks the server where this browser's sign-up stands. */
  async resume(): Promise<void> {
    const before = this.signup;
    const { signup } = await get(
      api.GET('/api/v1/signups/current', { params: { query: { flow: this.slug } } }),
    );
    if (this.signup !== before) return; // something was done meanwhile, and its answer is newer
    if (signup) this.#take(signup);
    else this.signup = null;
  }

  /** Where the server says that this person is; `wanted` if it may be shown. */
  place(wanted: Step): Step | 'request' {
    const step = this.signup?.step;
    if (step === 'request') return 'request';
    if (step === 'details') return wanted === 'review' ? 'review' : 'details';
    if (wanted === 'email' || this.ended) return wanted;
    return step === 'code' && wanted === 'code' ? 'code' : 'email';
  }

  /** Gives the address, beginning a sign-up if there is none alive, and has a code sent. */
  async giveEmail(email: string, key: Record<string, string>): Promise<void> {
    this.email = email;
    this.keep();
    if (!this.signup || this.signup.step === 'request') await this.#begin(key);
    try {
      await this.#sendCode();
    } catch (thrown) {
      if (!gone(thrown)) throw thrown;
      await this.#begin({});
      await this.#sendCode();
    }
    this.ended = false;
  }

  async #begin(key: Record<string, string>): Promise<void> {
    this.signup = await get(
      api.POST('/api/v1/signups', { body: { flow: this.slug, locale: locale() }, headers: key }),
    );
    rememberBegun(this.slug);
  }

  async #sendCode(): Promise<void> {
    const signup = this.signup;
    if (!signup) return;
    const sent = await get(
      api.POST('/api/v1/signups/{id}/email', {
        params: { path: { id: signup.id } },
        body: { email: this.email },
      }),
    );
    this.signup = {
      ...signup,
      step: 'code',
      email: this.email,
      codeLength: sent.codeLength,
      codeExpiresAt: sent.expiresAt,
      resendAt: sent.resendAt,
    };
  }

  /** Has another code sent to the same address. */
  resend = (): Promise<void> => this.#sendCode();

  async prove(code: string): Promise<void> {
    if (!this.signup) return;
    const id = this.signup.id;
    this.#take(
      await get(api.POST('/api/v1/signups/{id}/code', { params: { path: { id } }, body: { code } })),
    );
  }

  /** What was typed here wins over the older draft of the server. */
  #take(signup: Signup): void {
    const fresh = this.signup?.step !== 'details';
    this.signup = signup;
    if (signup.email) this.email = signup.email;
    if (signup.step !== 'details') return;
    this.ended = false;
    this.draft = 'none';
    this.savedAt = signup.savedAt;
    if (!fresh) return;
    this.#sent = signup.answers ?? {};
    this.answers = { ...signup.answers, ...this.answers };
  }

  /** Called after every change: keeps it in this tab now and in the server's draft soon. */
  keep(flow?: Schemas['Flow']): void {
    keepTyped(this.slug, {
      email: this.email,
      answers: $state.snapshot(this.answers),
      consents: $state.snapshot(this.consents),
    });
    if (!flow || !this.proved) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.saveDraft(flow), DRAFT_MS);
  }

  /** Sends what changed and is well-formed; what is half typed stays in this tab. */
  async saveDraft(flow: Schemas['Flow']): Promise<void> {
    clearTimeout(this.#timer);
    const signup = this.signup;
    if (!signup || signup.step !== 'details') return;
    const { clean } = check(flow, toSend(flow, this.answers), { draft: true });
    const changed = changes(this.#sent, clean);
    if (Object.keys(changed).length === 0) return;
    this.draft = 'saving';
    try {
      const kept = await get(
        api.PATCH('/api/v1/signups/{id}', {
          params: { path: { id: signup.id } },
          body: { answers: changed },
        }),
      );
      this.#sent = clean;
      this.savedAt = kept.savedAt ?? new Date().toISOString();
      this.draft = 'saved';
    } catch (thrown) {
      this.draft = 'failed';
      if (gone(thrown)) this.lose();
      else this.#timer = setTimeout(() => void this.saveDraft(flow), AGAIN_MS);
    }
  }

  /** Sends the request; answers only of questions that are asked. */
  async submit(flow: Schemas['Flow'], key: Record<string, string>): Promise<string> {
    if (!this.signup) throw new Problem(401, { code: 'signup_unknown' });
    clearTimeout(this.#timer);
    const { clean } = check(flow, this.asked(flow), { draft: true });
    const consents = flow.terms
      .filter((t) => this.consents[t.id])
      .map((t) => ({ terms: t.id, version: t.version }));
    const receipt = await get(
      api.POST('/api/v1/signups/{id}/submit', {
        params: { path: { id: this.signup.id } },
        body: { answers: clean, consents },
        headers: key,
      }),
    );
    this.signup = {
      ...this.signup,
      step: 'request',
      reference: receipt.reference,
      statusUrl: receipt.statusUrl,
    };
    this.answers = {};
    this.consents = {};
    forgetTyped(this.slug);
    return receipt.reference;
  }

  /** The answers to the questions that are asked, as they are sent. */
  asked(flow: Schemas['Flow']): Answers {
    const sent = toSend(flow, this.answers);
    const shown = visible(flow, sent);
    return Object.fromEntries(Object.entries(sent).filter(([name]) => shown.has(name)));
  }

  /** The server no longer holds this sign-up: the address must be proved again, the answers stay. */
  lose(): void {
    this.signup = null;
    this.ended = true;
  }

  /** Forgets everything and begins anew. */
  forget(): void {
    this.signup = null;
    this.answers = {};
    this.consents = {};
    this.email = '';
    this.ended = false;
    forgetBegun(this.slug);
  }
}

/** Gone is something else than the sign-up: a code, or for now the flow. */
const OTHERS = ['code_expired', 'flow_closed'];

/** Whether this means that the sign-up of this browser's cookie is no more. */
export const gone = (thrown: unknown): boolean =>
  thrown instanceof Problem && [401, 403, 404, 410].includes(thrown.status) && !OTHERS.includes(thrown.code);

/** What to PATCH so that `before` becomes `after`: changed answers, and null for those that went away. */
function changes(before: Answers, after: Answers): Answers {
  const out: Answers = {};
  for (const [name, value] of Object.entries(after)) {
    if (JSON.stringify(before[name]) !== JSON.stringify(value)) out[name] = value;
  }
  for (const name of Object.keys(before)) if (!(name in after)) out[name] = null;
  return out;
}

const KEY = Symbol('journey');
export const provideJourney = (journey: () => Journey): void => void setContext(KEY, journey);
export const useJourney = (): Journey => getContext<() => Journey>(KEY)();
const FLOW = Symbol('flow');
export const provideFlow = (flow: () => Schemas['Flow']): void => void setContext(FLOW, flow);
/** The flow in the reader's language; call it where it is read, so that a change of language shows. */
export const useFlow = (): (() => Schemas['Flow']) => getContext<() => Schemas['Flow']>(FLOW);
