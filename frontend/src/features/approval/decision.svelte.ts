import { api, type Schemas } from '$lib/api';
import { Form } from '$lib/form/form.svelte';
import { t } from '$lib/i18n/index.svelte';
import { toasts } from '$lib/ui';
import { get } from '$features/staff/get';
import { waiting } from './waiting.svelte';

export type Approval = Schemas['Approval'];
export type Panel = 'none' | 'until' | 'ask' | 'deny';

export const REASON_MAX = 1000;
export const QUESTION_MAX = 500;

/** Answers that mean: somebody or something else was first, so the request on this page is old. */
const OVERTAKEN = [
  'already_decided',
  'request_closed',
  'request_changed',
  'other_stage',
  'same_person',
  'already_asked',
];

/**
 * One approver's act on one request: what is open, what is typed, and sending it. Nothing typed is lost when somebody
 * else was first; the page then shows how it stands and keeps the text.
 */
export class Decision {
  panel = $state<Panel>('none');
  reason = $state('');
  share = $state(true);
  note = $state('');
  question = $state('');
  /** YYYY-MM-DD of another end. */
  until = $state('');
  /** The request changed while it was open here, by somebody else. */
  news = $state(false);
  /** What to say when somebody else was first. */
  overtaken = $state('');
  readonly form = new Form();
  /** The request as last read. */
  approval = $state.raw<Approval | undefined>();
  readonly id: string;
  readonly #changed: (a: Approval) => void;

  constructor(id: string, changed: (a: Approval) => void) {
    this.id = id;
    this.#changed = changed;
    this.#restore();
  }

  /** Reads the request; what is typed stays. */
  read = async (): Promise<Approval> => {
    const a = await get(api.GET('/api/v1/approvals/{id}', { params: { path: { id: this.id } } }));
    const known = this.approval;
    if (known && a.version < known.version) return known; // asked for before the decision was taken
    if (known && a.version > known.version) this.news = true;
    this.approval = a;
    return a;
  };

  open(panel: Panel): void {
    // One question at a time: the server takes no second one before the answer.
    if (panel === 'ask' && this.approval?.state === 'needs_info') return;
    this.form.errors = {};
    this.form.problem = undefined;
    this.panel = this.panel === panel ? 'none' : panel;
  }

  /** Gives access, until the flow's own end or the one chosen. */
  approve = async (own = false): Promise<void> => {
    const until = own && this.until ? endOfDay(this.until) : undefined;
    const check = () => (own && !until ? { until: t('until.empty') } : {});
    const done = await this.#send(check, { decision: 'approve', ...(until ? { until } : {}) });
    if (done)
      toasts.show(t(done.state === 'pending' ? 'toast.passed' : 'toast.approved', { name: nameOf(done) }));
  };

  deny = async (): Promise<void> => {
    const reason = this.reason.trim();
    const note = this.note.trim();
    const check = () => ({
      reason: !reason ? t('deny.reason.empty') : tooLong(reason, REASON_MAX),
      note: tooLong(note, REASON_MAX),
    });
    const given = { decision: 'deny' as const, reason, shareReason: this.share, ...(note ? { note } : {}) };
    const done = await this.#send(check, given);
    if (done) toasts.show(t('toast.denied', { name: nameOf(done) }));
  };

  ask = async (): Promise<void> => {
    const text = this.question.trim();
    const check = () => ({ question: !text ? t('ask.empty') : tooLong(text, QUESTION_MAX) });
    const { id } = this;
    const done = await this.#run(check, () =>
      get(
        api.POST('/api/v1/approvals/{id}/ask', {
          params: { path: { id } },
          headers: this.form.key(),
          body: { text },
        }),
      ),
    );
    if (done) toasts.show(t('toast.asked', { name: nameOf(done) }));
  };

  #send(check: () => Record<string, string | undefined>, body: Schemas['DecisionGiven']) {
    const { id } = this;
    return this.#run(check, () =>
      get(
        api.POST('/api/v1/approvals/{id}/decision', {
          params: { path: { id } },
          headers: this.form.key(),
          body: { ...body, version: this.approval?.version },
        }),
      ),
    );
  }

  async #run(check: () => Record<string, string | undefined>, send: () => Promise<Approval>) {
    let done: Approval | undefined;
    this.overtaken = '';
    this.news = false;
    this.#save();
    const sent = await this.form.submit(check, async () => {
      done = await send();
    });
    if (sent && done) {
      this.#settle(done);
      return done;
    }
    const problem = this.form.problem;
    if (problem && OVERTAKEN.includes(problem.code)) await this.#catchUp(problem.detail);
    return undefined;
  }

  #settle(a: Approval): void {
    forget(this.id);
    this.panel = 'none';
    this.reason = this.note = this.question = this.until = '';
    this.approval = a;
    this.#changed(a);
    void waiting.read();
  }

  /** Shows how the request stands now; what was typed stays. */
  async #catchUp(sentence: string): Promise<void> {
    this.form.problem = undefined;
    this.overtaken = sentence;
    this.#changed(await this.read());
    this.news = false;
    void waiting.read();
  }

  /** Sending may lead to sign-in when the session has ended; what was typed is here again after it. */
  #save(): void {
    const { panel, reason, share, note, question, until } = this;
    if (panel !== 'none') keep(this.id, JSON.stringify({ panel, reason, share, note, question, until }));
  }

  #restore(): void {
    try {
      const saved: unknown = JSON.parse(sessionStorage.getItem(DRAFT + this.id) ?? 'null');
      if (saved) Object.assign(this, saved);
    } catch {
      forget(this.id);
    }
  }

  /** What was typed when somebody else was first. */
  get typed(): string {
    return [this.reason, this.note, this.question].map((s) => s.trim()).find(Boolean) ?? '';
  }
}

const DRAFT = 'vestibule.decision.';

function keep(id: string, text: string): void {
  try {
    sessionStorage.setItem(DRAFT + id, text);
  } catch {
    // Without storage the text lasts for this page.
  }
}

function forget(id: string): void {
  try {
    sessionStorage.removeItem(DRAFT + id);
  } catch {
    // Nothing was kept then.
  }
}

const tooLong = (text: string, max: number) => {
  const over = [...text].length - max;
  return over > 0 ? t('field.over', { n: over }) : undefined;
};

/** The last second of a day here, as an instant. */
function endOfDay(day: string): string | undefined {
  const at = new Date(`${day}T23:59:59`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** What to call the applicant. */
export const nameOf = (a: Pick<Approval, 'applicant'>): string => a.applicant.name || a.applicant.email;
