import { describe, expect, it } from 'vitest';
import { merge } from './paged.svelte';

const ids = (...list: string[]) => list.map((id) => ({ id }));

describe('a list that is read again while somebody looks at it', () => {
  it('shows what the server now says', () => {
    expect(merge(ids('b', 'c'), ids('a', 'b'), () => false)).toEqual(ids('b', 'c'));
  });

  it('keeps a settled row at its place', () => {
    expect(merge(ids('a', 'c'), ids('a', 'b', 'c'), (r) => r.id === 'b')).toEqual(ids('a', 'b', 'c'));
  });

  it('never shows a row twice', () => {
    expect(merge(ids('b', 'a'), ids('a', 'b'), () => true)).toEqual(ids('b', 'a'));
  });

  it('puts a kept row last when the list has become shorter', () => {
    expect(merge(ids('a'), ids('a', 'b', 'c', 'd'), (r) => r.id === 'd')).toEqual(ids('a', 'd'));
  });
});
