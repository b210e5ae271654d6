import { describe, expect, it } from 'vitest';
import { actionOf, type KeyAction } from './keys.svelte';

function press(key: string, at: string, more: KeyboardEventInit = {}): KeyAction | undefined {
  document.body.innerHTML = at;
  const target = document.querySelector('[data-at]') ?? document.body;
  let seen: KeyAction | undefined;
  const listen = (event: Event) => (seen = actionOf(event as KeyboardEvent));
  window.addEventListener('keydown', listen);
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more }));
  window.removeEventListener('keydown', listen);
  return seen;
}

describe('a single key in the inbox', () => {
  const cases: [
    why: string,
    key: string,
    at: string,
    more: KeyboardEventInit,
    does: KeyAction | undefined,
  ][] = [
    ['J moves on', 'j', '', {}, 'next'],
    ['with the caps lock too', 'J', '', {}, 'next'],
    ['K moves back', 'k', '', {}, 'previous'],
    ['1 approves', '1', '', {}, 'approve'],
    ['2 asks', '2', '', {}, 'ask'],
    ['3 denies', '3', '', {}, 'deny'],
    ['/ searches', '/', '', {}, 'search'],
    ['? shows the keys', '?', '', { shiftKey: true }, 'help'],
    ['Enter opens when nothing is focused', 'Enter', '', {}, 'open'],
    ['Enter on a button presses that button', 'Enter', '<button data-at>x</button>', {}, undefined],
    ['Enter on a link follows that link', 'Enter', '<a href="/x" data-at>x</a>', {}, undefined],
    ['1 acts on a focused row', '1', '<a href="/x" data-at>x</a>', {}, 'approve'],
    ['a digit typed in a field is text', '1', '<input data-at />', {}, undefined],
    ['a letter typed in a reason is text', 'j', '<textarea data-at></textarea>', {}, undefined],
    ['a letter in a list chooses from it', 'k', '<select data-at></select>', {}, undefined],
    ['Escape leaves a field', 'Escape', '<textarea data-at></textarea>', {}, 'close'],
    ['a dialog has its own keys', 'j', '<dialog open><button data-at>x</button></dialog>', {}, undefined],
    [
      'Escape belongs to the dialog',
      'Escape',
      '<dialog open><button data-at>x</button></dialog>',
      {},
      undefined,
    ],
    ['Ctrl+1 is the browser’s', '1', '', { ctrlKey: true }, undefined],
    ['Cmd+J is the browser’s', 'j', '', { metaKey: true }, undefined],
    ['Alt+3 is the screen reader’s', '3', '', { altKey: true }, undefined],
    ['a key without meaning does nothing', 'x', '', {}, undefined],
  ];
  it.each(cases)('%s', (_, key, at, more, does) => {
    expect(press(key, at, more)).toBe(does);
  });
});
