import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { types } from './catalogues.js';

const file = fileURLToPath(new URL('../../src/lib/i18n/messages.gen.ts', import.meta.url));
const text = types();
if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
