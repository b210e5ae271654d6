// The weight of the first page of a sign-up, as built: what 200.html asks for, and one language.
// Budget: 60 kB of scripts and styles; the requests are counted in the browser (e2e).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BUDGET = 60_000;
const dist = fileURLToPath(new URL('../../backend/web/dist', import.meta.url));
const html = readFileSync(`${dist}/200.html`, 'utf8');
const files = new Set([...html.matchAll(/["'](\/_app\/[^"']+\.(?:js|css))["']/g)].map((m) => m[1]));
const chunks = readdirSync(`${dist}/_app/immutable/chunks`).filter((f) => f.endsWith('.js'));
const english = chunks.find((f) =>
  readFileSync(`${dist}/_app/immutable/chunks/${f}`, 'utf8').includes('You’ll hear back'),
);
if (english) files.add(`/_app/immutable/chunks/${english}`);

const total = { raw: 0, gz: 0, br: 0 };
for (const file of files) {
  const size = (/** @type {string} */ end) => statSync(`${dist}${file}${end}`).size;
  const [raw, gz, br] = [size(''), size('.gz'), size('.br')];
  total.raw += raw;
  total.gz += gz;
  total.br += br;
  console.log(
    `${String(raw).padStart(8)} ${String(gz).padStart(7)} gz ${String(br).padStart(7)} br  ${file}`,
  );
}
console.log(
  `${String(total.raw).padStart(8)} ${String(total.gz).padStart(7)} gz ${String(total.br).padStart(7)} br  ${files.size} files`,
);
if (total.gz > BUDGET) {
  console.error(`The first page of a sign-up weighs ${total.gz} bytes compressed; the budget is ${BUDGET}.`);
  process.exit(1);
}
