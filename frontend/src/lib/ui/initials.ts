/** Two letters for a name: the first of the first and of the last word, whole graphemes, as written. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((w) => /^[\p{L}\p{N}]/u.test(w));
  const first = (word: string | undefined) => {
    if (!word) return '';
    const segment = new Intl.Segmenter().segment(word)[Symbol.iterator]().next();
    return segment.done ? '' : segment.value.segment;
  };
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : '')).toUpperCase();
}
