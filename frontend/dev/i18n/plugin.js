import { BUNDLES, LOCALES, moduleOf, root } from './catalogues.js';

const PREFIX = '\0messages/';

/**
 * Serves `virtual:messages` (the list of locales and a loader for each catalogue) and, behind it, one module for each
 * locale and audience, so that a visitor downloads one language of one audience.
 * @returns {import('vite').Plugin}
 */
export function messages() {
  return {
    name: 'vestibule:messages',
    resolveId(id) {
      if (id.startsWith('virtual:messages')) return `\0${id.slice('virtual:'.length)}`;
      return null;
    },
    load(id) {
      if (id === '\0messages') return index();
      if (!id.startsWith(PREFIX)) return null;
      const [locale = '', bundle = ''] = id.slice(PREFIX.length).split('/');
      return moduleOf(locale, bundle);
    },
    configureServer(server) {
      server.watcher.add(root);
      server.watcher.on('change', (file) => {
        if (!file.startsWith(root)) return;
        server.moduleGraph.invalidateAll();
        server.ws.send({ type: 'full-reload' });
      });
    },
  };
}

function index() {
  const loaders = LOCALES.map(({ code }) => {
    const each = BUNDLES.map((b) => `${b}:()=>import('virtual:messages/${code}/${b}')`);
    return `${JSON.stringify(code)}:{${each.join(',')}}`;
  });
  return `export const locales=${JSON.stringify(LOCALES)};export const loaders={${loaders.join(',')}}`;
}
