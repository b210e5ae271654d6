import { beforeAll } from 'vitest';
import { startLanguage } from '../src/lib/i18n/index.svelte';

beforeAll(startLanguage);
