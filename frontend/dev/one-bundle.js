// Decides which scripts the browser fetches.
//
// Kit's `single` strategy puts every page of the product into one file; its `split` strategy costs one request for each
// layout and page (a sign-up page then needs ten scripts). Here the shell and the sign-up pages become one script and
// one style sheet, and everything else is split off by audience: guests' pages, staff pages, one chunk each and loaded
// when first opened.

/** Pages that travel with the first script: the root layout, the error page and everything under (public)/join. */
const FIRST = /src\/routes\/(\+(layout|error)\.(svelte|ts)|\(public\)\/(\+layout\.(svelte|ts)|join\/))/;

/** @returns {import('vite').Plugin[]} */
export function oneBundle() {
  return [
    {
      name: 'vestibule:static-first-pages',
      apply: 'build',
      enforce: 'pre',
      async transform(code, id) {
        if (!/generated\/client-optimized\/app\.js$/.test(id)) return null;
        const { readFileSync } = await import('node:fs');
        const { dirname, join } = await import('node:path');
        let imports = '';
        const out = code.replace(/\(\) => import\('\.\/nodes\/(\d+)'\)/g, (dynamic, n) => {
          const node = readFileSync(join(dirname(id), 'nodes', `${n}.js`), 'utf8');
          if (!FIRST.test(node)) return dynamic;
          imports += `import * as node_${n} from './nodes/${n}';\n`;
          return `() => Promise.resolve(node_${n})`;
        });
        return { code: imports + out, map: null };
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
          if (output) output.codeSplitting = { includeDependenciesRecursively: false, groups: GROUPS };
        }
      },
    },
  ];
}

const GROUPS = [
  { name: 'staff', test: /src\/routes\/\(staff\)|src\/features\/(approval|directory|audit|staff)\/|src\/css\/staff/ },
  { name: 'guest', test: /src\/routes\/\((guest|public)\)\/(?!join)/ },
];
