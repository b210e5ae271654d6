import { sveltekit } from '@sveltejs/kit/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { messages } from './dev/i18n/plugin.js';
import { mockApi } from './dev/mock/plugin.js';
import { oneBundle } from './dev/one-bundle.js';

// With a backend running: VESTIBULE_API=http://127.0.0.1:8080 npm run dev. Without: dev/mock answers.
const backend = process.env.VESTIBULE_API;

export default defineConfig({
  plugins: [messages(), sveltekit(), oneBundle(), ...(backend ? [] : [mockApi()]), svelteTesting()],
  server: backend ? { proxy: { '/api': backend, '/_mail/api': backend } } : {},
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'dev/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    restoreMocks: true,
  },
});
