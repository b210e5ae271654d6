/** What a key does in the inbox. */
export type KeyAction =
  'next' | 'previous' | 'open' | 'approve' | 'ask' | 'deny' | 'search' | 'help' | 'close';

const KEYS: Record<string, KeyAction> = {
  j: 'next',
  k: 'previous',
  Enter: 'open',
  '1': 'approve',
  '2': 'ask',
  '3': 'deny',
  '/': 'search',
  '?': 'help',
  Escape: 'close',
};

/** Keys that a focused button, link or list has a meaning for itself. */
const OWN = 'a[href], button, summary, [role="button"], [role="tab"]';
const TYPING = 'input, textarea, select, [contenteditable=""], [contenteditable="true"]';

/**
 * The action of a pressed key; undefined while something is typed, in a dialog, or with a modifier, so that shortcuts of
 * the browser and of a screen reader stay theirs. Escape also works from within a field.
 */
export function actionOf(event: KeyboardEvent): KeyAction | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented)
    return undefined;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const at = event.target instanceof Element ? event.target : undefined;
  if (!action || at?.closest('dialog')) return undefined;
  if (action === 'close') return action;
  if (at?.closest(TYPING)) return undefined;
  if (action === 'open' && at?.closest(OWN)) return undefined;
  return action;
}

const SAVED = 'vestibule.keys';

/** Whether single keys act. Some people press them without wanting to (WCAG 2.1.4), so they can be switched off. */
class KeySwitch {
  on = $state(read());

  set(on: boolean): void {
    this.on = on;
    try {
      if (on) localStorage.removeItem(SAVED);
      else localStorage.setItem(SAVED, 'off');
    } catch {
      // The choice then lasts for this page.
    }
  }
}

function read(): boolean {
  try {
    return localStorage.getItem(SAVED) !== 'off';
  } catch {
    return true;
  }
}

export const keySwitch = new KeySwitch();
