import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check, type Answers, type Consent, type Flow } from './check';

type Vector = {
  name: string;
  flow: Flow;
  answers: Answers;
  draft?: boolean;
  consents?: Consent[];
  want: { pointer: string; code: string }[];
  clean?: Answers;
};
const vectors = JSON.parse(
  readFileSync('../backend/internal/flow/testdata/check_vectors.json', 'utf8'),
) as Vector[];

describe('the rules of answers are the server’s', () => {
  for (const v of vectors) {
    it(v.name, () => {
      const { mistakes, clean } = check(v.flow, v.answers, { draft: v.draft, consents: v.consents });
      expect(mistakes.map(({ pointer, code }) => ({ pointer, code }))).toEqual(v.want);
      if (v.clean) expect(clean).toEqual(v.clean);
    });
  }
});
