import { beforeAll } from 'vitest';
import { startLanguage } from '../src/lib/i18n/index.svelte';

// Tests of build tools run without a browser.
if (globalThis.document) beforeAll(startLanguage);
