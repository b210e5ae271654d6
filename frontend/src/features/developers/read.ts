import { Problem } from '$lib/api';
import type { Contract } from './contract';

/** The contract as this server gives it. */
export async function readContract(): Promise<Contract> {
  let response: Response;
  try {
    response = await fetch('/api/openapi.json');
  } catch {
    throw new Problem(0);
  }
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, body as object, response.headers);
  return body as Contract;
}
