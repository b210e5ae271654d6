// The zeros of the scripts whose digits people type: ASCII, Arabic, Persian, Devanagari, Bengali, Thai, full-width.
const ZEROS = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10];

/** The text with every known script's digits as ASCII digits. */
export function latinDigits(text: string): string {
  return [...text]
    .map((c) => {
      const code = c.codePointAt(0) ?? 0;
      const zero = ZEROS.find((z) => code >= z && code <= z + 9);
      return zero === undefined ? c : String(code - zero);
    })
    .join('');
}

/** Only the digits of what was typed or pasted. */
export const digits = (text: string): string => latinDigits(text).replace(/\D/g, '');
