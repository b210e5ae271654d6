import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What e2e/cmd/house prints. */
export interface Houses {
  demo: { url: string; mailApi: string };
  mailbox: { url: string };
  setup: { url: string; link: string };
  people: { name: string; email: string; roles: string[]; story: string }[];
  log: string[];
}

const e2e = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The houses of this run. */
export const houses = (): Houses => JSON.parse(process.env.E2E_HOUSES ?? '{}') as Houses;

/** Opens the houses before all tests; what it returns closes them. */
export default async function open(): Promise<() => Promise<void>> {
  const bin = join(e2e, 'test-results', '.house', 'house');
  mkdirSync(dirname(bin), { recursive: true });
  execFileSync('go', ['build', '-o', bin, './cmd/house'], { cwd: e2e, stdio: 'inherit' });
  const house = spawn(bin, { cwd: e2e, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done) => house.once('exit', done));
  const line = new Promise<string>((done) => createInterface({ input: house.stdout }).once('line', done));
  const first = await Promise.race([line, ended.then((code) => Promise.reject(new Error(`the houses did not open (exit ${code})`)))]);
  process.env.E2E_HOUSES = first;
  for (const said of houses().log) console.log(said);
  return async () => {
    house.stdin.end();
    await ended;
  };
}
