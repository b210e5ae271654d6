import { asProblem, type FieldError, type Problem } from '$lib/api';

/** A field's name and the sentence about it, in the order of the page. */
export type FieldErrors = Record<string, string>;

/**
 * What every form of the product does: check on submit, one summary, one request at a time, the same key for the same
 * attempt so that a second press (or a retry after a lost answer) cannot create twice, and nothing typed is ever lost.
 */
export class Form {
  busy = $state(false);
  problem = $state.raw<Problem | undefined>();
  errors = $state.raw<FieldErrors>({});
  /** Grows with every refused submit; the summary takes focus when it does. */
  round = $state(0);
  #key = '';

  readonly #nameOf: (pointer: string) => string;
  readonly #codes: Record<string, string>;

  /**
   * `nameOf` turns a JSON pointer of the server into a field's name; `codes` names the field that a problem belongs to when
   * its code alone says so (`code_wrong` → `code`).
   */
  constructor(rules: { nameOf?: (pointer: string) => string; codes?: Record<string, string> } = {}) {
    this.#nameOf = rules.nameOf ?? lastPart;
    this.#codes = rules.codes ?? {};
  }

  /** The header that makes this attempt repeatable. */
  key(): { 'Idempotency-Key': string } {
    this.#key ||= randomKey();
    return { 'Idempotency-Key': this.#key };
  }

  /** Runs `check`, then `send` if there is nothing to correct. Resolves to whether it was sent. */
  async submit(check: () => Partial<FieldErrors>, send: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.problem = undefined;
    if (this.refuse(check())) return false;
    this.busy = true;
    try {
      await send();
      this.#key = '';
      return true;
    } catch (thrown) {
      this.#settle(asProblem(thrown));
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Shows these errors; true if there are any. */
  refuse(errors: Partial<FieldErrors>): boolean {
    const said = Object.entries(errors).filter((e): e is [string, string] => e[1] !== undefined);
    this.errors = Object.fromEntries(said);
    const refused = said.length > 0;
    if (refused) this.round++;
    return refused;
  }

  #settle(problem: Problem): void {
    // Only when the answer may have been lost does the next press repeat this attempt.
    if (!problem.offline && problem.status < 500) this.#key = '';
    const fields = byName(problem.errors, this.#nameOf);
    const field = this.#codes[problem.code];
    if (field && Object.keys(fields).length === 0) fields[field] = problem.detail;
    if (this.refuse(fields)) return;
    this.problem = problem;
    this.round++;
  }
}

function byName(errors: FieldError[], nameOf: (pointer: string) => string): FieldErrors {
  const out: FieldErrors = {};
  for (const e of errors) out[nameOf(e.pointer)] ??= e.detail;
  return out;
}

/** `/answers/company` → `company`, with RFC 6901 escapes undone. */
export function lastPart(pointer: string): string {
  return (pointer.split('/').at(-1) ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
}

/** 128 random bits; crypto.randomUUID is missing on plain http. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );
}
