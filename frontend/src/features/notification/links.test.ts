import { expect, it } from 'vitest';
import { kilobytes, linksIn } from './links';

it.each([
  ['each address once', 'See https://a.example/x and https://a.example/x', ['https://a.example/x']],
  ['without the full stop of the sentence', 'Open https://a.example/l/abc.', ['https://a.example/l/abc']],
  ['without the bracket around it', '(http://127.0.0.1:8080/_mail)', ['http://127.0.0.1:8080/_mail']],
  ['nothing that only looks like one', 'mailto:x@y.example, javascript:alert(1)', []],
])('links in a mail: %s', (_, text, links) => expect(linksIn(text)).toEqual(links));

it('counts what travels, not characters', () => expect(kilobytes('ä'.repeat(1000))).toBe(2));
