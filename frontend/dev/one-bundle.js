// Decides which scripts the browser fetches.
//
// Kit's `single` strategy puts every page of the product into one file; its `split` strategy costs one request for each
// layout and page (a sign-up page then needs ten scripts). Here the shell and the first page of a sign-up come together,
// and everything else is split off by journey and loaded when first opened: the steps of a sign-up, guests' pages, staff pages.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Pages that travel with the shell: the root layout, the error page and the start of a sign-up. */
const FIRST =
  /src\/routes\/(\+(layout|error)\.(svelte|ts)|\(public\)\/(\+layout\.|join\/\[flow\]\/\+page\.))/;
const JOURNEYS = {
  join: /src\/routes\/\(public\)\/join\//,
  staff: /src\/routes\/\(staff\)/,
  guest: /src\/routes\//,
};
const APP = /generated\/client-optimized\/app\.js$/;

/** @returns {import('vite').Plugin[]} */
export function oneBundle() {
  /** The chunk of each module: by who needs it. @type {Map<string, string>} */
  let chunks = new Map();
  return [
    {
      name: 'vestibule:first-pages',
      apply: 'build',
      enforce: 'pre',
      transform(code, id) {
        if (APP.test(id)) return { code: staticNodes(code, dirname(id)), map: null };
        if (/\.svelte$|\.ts$/.test(id)) return { code: withoutBarrel(code), map: null };
        return null;
      },
    },
    {
      name: 'vestibule:split-the-rest',
      apply: 'build',
      enforce: 'post',
      configResolved(config) {
        if (config.build.ssr) return;
        const options = config.build.rolldownOptions ?? config.build.rollupOptions;
        options.preserveEntrySignatures = 'allow-extension';
        for (const output of [options.output].flat()) {
          if (!output) continue;
          const name = (/** @type {string} */ id) => chunks.get(id) ?? null;
          output.codeSplitting = { groups: [{ name }], includeDependenciesRecursively: false };
        }
      },
      buildEnd() {
        chunks = survey(this);
      },
    },
  ];
}

/** The nodes of the first pages, imported at once instead of when they are opened. */
function staticNodes(/** @type {string} */ code, /** @type {string} */ folder) {
  let imports = '';
  const out = code.replace(/\(\) => import\('\.\/nodes\/(\d+)'\)/g, (dynamic, n) => {
    if (!FIRST.test(readFileSync(join(folder, 'nodes', `${n}.js`), 'utf8'))) return dynamic;
    imports += `import * as node_${n} from './nodes/${n}';\n`;
    return `() => Promise.resolve(node_${n})`;
  });
  return imports + out;
}

/** `import { Button, toasts } from '$lib/ui'` names files, so that a page fetches what it draws and not the whole kit. */
function withoutBarrel(/** @type {string} */ code) {
  return code.replace(/import \{([^}]+)\} from '\$lib\/ui';/g, (_, names) =>
    names
      .split(',')
      .map((/** @type {string} */ n) => n.trim())
      .filter(Boolean)
      .map((/** @type {string} */ n) =>
        n === 'toasts'
          ? `import { toasts } from '$lib/ui/toast.svelte';`
          : `import ${n} from '$lib/ui/${n}.svelte';`,
      )
      .join(' '),
  );
}

/**
 * The chunk of each module: `first`, or the journeys that need it (`join`, `guest-join`, `staff` …), so that nobody fetches
 * what only others use. Messages are left alone: one file each.
 */
function survey(/** @type {any} */ ctx) {
  /** @type {Map<string, Set<string>>} */
  const needed = new Map();
  const reach = (/** @type {string} */ id, /** @type {string} */ name) => {
    const by = needed.get(id) ?? new Set();
    const info = ctx.getModuleInfo(id);
    if (!info || by.has(name) || by.has('first')) return;
    needed.set(id, by.add(name));
    info.importedIds.forEach((/** @type {string} */ next) => reach(next, name));
  };
  const ids = [...ctx.getModuleIds()];
  ids.filter((id) => ctx.getModuleInfo(id)?.isEntry).forEach((id) => reach(id, 'first'));
  for (const id of ids) {
    if (!/generated\/client-optimized\/nodes\/\d+\.js$/.test(id)) continue;
    const source = readFileSync(id, 'utf8');
    const journey = Object.entries(JOURNEYS).find(([, test]) => test.test(source))?.[0];
    if (journey) reach(id, journey);
  }
  return new Map([...needed].map(([id, by]) => [id, [...by].sort().join('-')]));
}
