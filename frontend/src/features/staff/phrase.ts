/**
 * A composed phrase, such as a date with its time, for use inside a sentence. In a right-to-left page each value of a
 * sentence is isolated by its first strong letter; a phrase made of isolated values alone has none, so it gets a mark.
 */
export function phrase(words: string): string {
  return document.documentElement.dir === 'rtl' ? `\u200f${words}` : words;
}
