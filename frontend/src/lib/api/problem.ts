import type { components } from './schema.gen';

export type FieldError = components['schemas']['FieldError'];
type Body = Partial<components['schemas']['Problem']>;

/** What went wrong, as the server says it (RFC 9457), or `offline` when the server was not reached. */
export class Problem extends Error {
  /** Stable and snake_case: what code decides by. */
  readonly code: string;
  /** A sentence for the person, in their language; empty when the server was not reached. */
  readonly detail: string;
  readonly status: number;
  readonly errors: FieldError[];
  readonly requestId: string;
  /** Seconds until a retry makes sense, 0 if the server did not say. */
  readonly retryAfter: number;
  /** Every other member of the answer, such as `decidedBy` or `opensAt`. */
  readonly extra: Record<string, unknown>;

  constructor(status: number, body: Body = {}, headers?: Headers) {
    const { code, detail, errors, requestId, retryAfter, ...extra } = body;
    super(detail || code || String(status));
    this.name = 'Problem';
    this.status = status;
    this.code = code ?? (status === 0 ? 'offline' : 'unexpected');
    this.detail = detail ?? '';
    this.errors = errors ?? [];
    this.requestId = requestId ?? headers?.get('Request-Id') ?? '';
    this.retryAfter = retryAfter ?? (Number(headers?.get('Retry-After')) || 0);
    this.extra = extra;
  }

  get offline(): boolean {
    return this.code === 'offline';
  }
}

/** Turns whatever was thrown into a Problem; our own mistakes stay visible in the console. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  console.error(thrown);
  return new Problem(-1);
}
