import { randomBytes } from 'node:crypto';
import { expect, type FrameLocator, type Page } from '@playwright/test';
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

/** All mails of an address, or those whose subject or text holds `about`, newest first. */
async function list(to: string, about?: string): Promise<Summary[]> {
  const query = encodeURIComponent(about === undefined ? `to:"${to}"` : `to:"${to}" "${about}"`);
  const res = await fetch(`${houses().demo.mailApi}/api/v1/search?limit=10000&query=${query}`);
  return ((await res.json()) as { messages: Summary[] }).messages;
}

/** How many mails an address has had. */
export const mailCount = async (to: string): Promise<number> => (await list(to)).length;

/**
 * Waits for the mail after `seen` others, which is right for an address that only one test writes to, or for the newest
 * whose subject or text holds `about`. Of codes for people whom several tests sign in, ask Doors.signInCode.
 */
export async function letter(to: string, want: { seen: number } | { about: string } = { seen: 0 }): Promise<Letter> {
  let found: Summary | undefined;
  await expect
    .poll(
      async () => {
        found = 'about' in want ? (await list(to, want.about))[0] : (await list(to)).at(-1 - want.seen);
        return found !== undefined;
      },
      { message: `a mail to ${to}`, timeout: 30_000, intervals: [50, 100, 200] },
    )
    .toBe(true);
  const res = await fetch(`${houses().demo.mailApi}/api/v1/message/${(found as Summary).ID}`);
  return (await res.json()) as Letter;
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

/** Opens the newest mail to an address in the built-in mailbox, and returns the frame that shows it, with its code. */
export async function openInMailbox(page: Page, to: string): Promise<FrameLocator> {
  const link = page.getByRole('link', { name: new RegExp(to) }).first();
  const id = new URL((await link.getAttribute('href')) ?? '', page.url()).searchParams.get('id');
  await link.click();
  // A wide window may have shown another mail until now.
  const frame = page.frameLocator(`iframe[src*="/${id}/"]`);
  await expect(frame.locator('body')).toContainText(SIX_DIGITS);
  return frame;
}

/** A code as mails write it for people. */
export const SIX_DIGITS = /\b\d{3} ?\d{3}\b/;

/** Makes the mail server refuse an address for good. */
export async function refuse(to: string, say: string): Promise<void> {
  await fetch(`${houses().demo.mailApi}/script`, {
    method: 'POST',
    body: JSON.stringify({ Recipient: to, Stage: 'rcpt', Code: 550, Say: say }),
  });
}
