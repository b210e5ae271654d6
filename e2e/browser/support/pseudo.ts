import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Builds the app once more, with the pseudo-locale en-XA, beside the real one, and returns the folder of its files. */
export function buildPseudo(): string {
  const copy = join(root, 'e2e', 'test-results', '.pseudo');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'backend', 'web'), { recursive: true });
  cpSync(join(root, 'frontend'), join(copy, 'frontend'), {
    recursive: true,
    filter: (path) => !/\/(node_modules|\.svelte-kit)$/.test(path),
  });
  cpSync(join(root, 'backend', 'api'), join(copy, 'backend', 'api'), { recursive: true });
  symlinkSync(join(root, 'frontend', 'node_modules'), join(copy, 'frontend', 'node_modules'));
  execFileSync('npm', ['run', 'build'], { cwd: join(copy, 'frontend'), env: { ...process.env, VESTIBULE_PSEUDO: '1' }, stdio: 'pipe' });
  return join(copy, 'backend', 'web', 'dist');
}

const kinds: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8', '.json': 'application/json' };

/** Lets a page get the app from folder and everything else from the house. */
export async function serveFrom(page: Page, folder: string): Promise<void> {
  await page.route(/^http:\/\/127\.0\.0\.1:\d+\/(?!api\/)/, async (route) => {
    const path = join(folder, new URL(route.request().url()).pathname);
    const file = extname(path) && existsSync(path) ? path : join(folder, '200.html');
    await route.fulfill({ body: readFileSync(file), contentType: kinds[extname(file)] ?? 'application/octet-stream' });
  });
}
