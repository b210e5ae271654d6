/** The addresses of the web in a text, in order, each once, without the full stop or bracket that follows one. */
export function linksIn(text: string): string[] {
  const found = text.match(/https?:\/\/[^\s<>"']+/g) ?? [];
  return [...new Set(found.map((link) => link.replace(/[.,;:!?)\]]+$/, '')))];
}

/** “9 kB”: the size of a text as it travels. */
export function kilobytes(text: string): number {
  return Math.max(1, Math.round(new TextEncoder().encode(text).length / 1000));
}
