import { randomBytes } from 'node:crypto';
import { expect } from '@playwright/test';
import { houses } from './house';

interface Summary {
  ID: string;
  Subject: string;
}

export interface Letter {
  Subject: string;
  Text: string;
  HTML: string;
}

/** An address that no other test uses. */
export const address = (name: string, domain = 'fabrikam.de'): string => `${name}.${randomBytes(5).toString('hex')}@${domain}`;

async function list(to: string): Promise<Summary[]> {
  const res = await fetch(`${houses().demo.mailApi}/api/v1/search?limit=200&query=${encodeURIComponent(`to:"${to}"`)}`);
  return ((await res.json()) as { messages: Summary[] }).messages;
}

/** How many mails an address has had. */
export const mailCount = async (to: string): Promise<number> => (await list(to)).length;

/** Waits for the mail after `seen` others, or for one whose subject or text holds `about`. */
export async function letter(to: string, want: { seen?: number; about?: string } = {}): Promise<Letter> {
  let found: Letter | undefined;
  await expect
    .poll(
      async () => {
        const all = await list(to);
        const some = want.about === undefined ? all.slice(0, Math.max(0, all.length - (want.seen ?? 0))) : all;
        for (const one of want.about === undefined ? some.slice(-1) : some) {
          const res = await fetch(`${houses().demo.mailApi}/api/v1/message/${one.ID}`);
          const l = (await res.json()) as Letter;
          if (want.about === undefined || (l.Subject + l.Text).includes(want.about)) found = l;
          if (found) return true;
        }
        return false;
      },
      { message: `a mail to ${to}`, timeout: 15_000, intervals: [50, 100, 200] },
    )
    .toBe(true);
  return found as Letter;
}

export function codeIn(l: Letter): string {
  const code = /\b\d{6}\b/.exec(l.Text)?.[0];
  expect(code, l.Text).toBeTruthy();
  return code as string;
}

/** The path of the first link of a kind in a mail. */
export function pathIn(l: Letter, kind: 'l' | 'decide' | 'requests'): string {
  const path = new RegExp(`/${kind}/[A-Za-z0-9_-]+`).exec(l.Text)?.[0];
  expect(path, l.Text).toBeTruthy();
  return path as string;
}

/** Makes the mail server refuse an address for good. */
export async function refuse(to: string, say: string): Promise<void> {
  await fetch(`${houses().demo.mailApi}/script`, {
    method: 'POST',
    body: JSON.stringify({ Recipient: to, Stage: 'rcpt', Code: 550, Say: say }),
  });
}
