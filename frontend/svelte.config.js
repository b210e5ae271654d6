import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    // The server embeds this folder; `.br` and `.gz` stand next to each file, so it never compresses itself.
    adapter: adapter({
      pages: '../backend/web/dist',
      assets: '../backend/web/dist',
      fallback: '200.html',
      precompress: true,
      strict: false,
    }),
    // One script and one style sheet for the sign-up pages; dev/one-bundle.js splits the rest off again.
    output: { bundleStrategy: 'single' },
    paths: { relative: false },
    alias: { $features: 'src/features', $css: 'src/css' },
    // The fallback shell is the only page; nothing is rendered or crawled at build time.
    prerender: { entries: [] },
    version: { name: process.env.VESTIBULE_BUILD ?? 'dev' },
  },
};
