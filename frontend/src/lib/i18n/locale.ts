import { locales } from 'virtual:messages';

const SAVED = 'vestibule.lang';

export { locales };

/** RFC 4647 lookup: the longest prefix of a wanted tag that we have. `ar-EG` finds `ar`; `no` finds nothing. */
export function lookup(wanted: readonly string[]): string | undefined {
  for (const tag of wanted) {
    for (let t = tag; t; t = t.slice(0, Math.max(0, t.lastIndexOf('-')))) {
      const hit = locales.find((l) => l.code.toLowerCase() === t.toLowerCase());
      if (hit) return hit.code;
    }
  }
  return undefined;
}

/** The order of choice: the address, what this person chose before, what the browser asks for, English. */
export function choose(): string {
  const asked = new URLSearchParams(location.search).get('lang');
  const hit = asked && lookup([asked]);
  if (hit) {
    save(hit);
    return hit;
  }
  return lookup([stored() ?? '']) ?? lookup(navigator.languages) ?? 'en';
}

export function save(code: string): void {
  try {
    localStorage.setItem(SAVED, code);
  } catch {
    // Storage is refused in some private windows; the choice then lasts for this page.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(SAVED);
  } catch {
    return null;
  }
}
