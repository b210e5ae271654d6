// Turns one ICU message into a JavaScript expression, at build time, so that no parser is shipped.
//
// Understood: {name}, {n, plural, =0 {…} one {…} other {…}} with # for the number, {x, select, a {…} other {…}}, and
// tags <b>…</b> that a component fills with markup. Everything else is text; there is no apostrophe quoting.

/** @typedef {string | {arg: string} | {hash: string} | {choose: 'plural' | 'select', arg: string, options: Record<string, Node[]>} | {tag: string, children: Node[]}} Node */

/** @param {string} source @returns {Node[]} */
export function parse(source) {
  let at = 0;
  const fail = (/** @type {string} */ why) => new SyntaxError(`${why} at ${at} in “${source}”`);

  /** @param {string | null} plural the argument that # stands for @param {(s: string) => boolean} ends @returns {Node[]} */
  function nodes(plural, ends) {
    /** @type {Node[]} */
    const out = [];
    let text = '';
    const flush = () => {
      if (text) out.push(text);
      text = '';
    };
    while (at < source.length && !ends(source.slice(at))) {
      const tag = /^<([a-z][a-z0-9]*)>/.exec(source.slice(at));
      if (tag?.[1]) {
        flush();
        const close = `</${tag[1]}>`;
        at += tag[0].length;
        const children = nodes(plural, (s) => s.startsWith(close));
        if (!source.startsWith(close, at)) throw fail(`missing ${close}`);
        at += close.length;
        out.push({ tag: tag[1], children });
      } else if (source[at] === '{') {
        flush();
        out.push(argument());
      } else if (source[at] === '}') {
        throw fail('unexpected }');
      } else if (source[at] === '#' && plural) {
        flush();
        out.push({ hash: plural });
        at++;
      } else text += source[at++];
    }
    flush();
    return out;
  }

  /** @returns {Node} */
  function argument() {
    const head = /^\{\s*(\w+)\s*(?:(\})|,\s*(plural|select)\s*,)/.exec(source.slice(at));
    if (!head?.[1]) throw fail('cannot read the argument');
    at += head[0].length;
    if (head[2]) return { arg: head[1] };
    /** @type {Record<string, Node[]>} */
    const options = {};
    for (;;) {
      const option = /^\s*(?:(\})|(=?\w+)\s*\{)/.exec(source.slice(at));
      if (!option) throw fail('cannot read the choice');
      at += option[0].length;
      if (option[1]) break;
      options[option[2] ?? ''] = nodes(head[3] === 'plural' ? head[1] : null, (s) => s.startsWith('}'));
      at++;
    }
    if (!options.other) throw fail('“other” is missing');
    return { choose: /** @type {'plural' | 'select'} */ (head[3]), arg: head[1], options };
  }

  const out = nodes(null, () => false);
  return out;
}

/** Arguments of a message with their TypeScript types, and the tags in it. @param {Node[]} nodes */
export function needs(nodes) {
  /** @type {Record<string, string>} */
  const args = {};
  /** @type {Set<string>} */
  const tags = new Set();
  /** @param {Node[]} list */
  const walk = (list) => {
    for (const n of list) {
      if (typeof n === 'string' || 'hash' in n) continue;
      if ('tag' in n) {
        tags.add(n.tag);
        walk(n.children);
      } else if ('choose' in n) {
        args[n.arg] = n.choose === 'plural' ? 'number' : 'string';
        Object.values(n.options).forEach(walk);
      } else args[n.arg] ??= 'string | number';
    }
  };
  walk(nodes);
  return { args, tags: [...tags] };
}

/** The text of a message that is no value. @param {Node[]} nodes @returns {string} */
const ownWords = (nodes) =>
  nodes
    .map((n) => {
      if (typeof n === 'string') return n;
      if ('tag' in n) return ownWords(n.children);
      return 'options' in n ? Object.values(n.options).map(ownWords).join('') : '';
    })
    .join('');

/**
 * Makes a phrase of several values, such as a date and a time, read from right to left wherever it is put. Its values are
 * isolated and it has no letter of its own, so it would be taken for left-to-right, with its comma on the wrong side.
 */
const RIGHT_TO_LEFT = '\u200f';

/**
 * The JavaScript of one message: a string literal, or a function of (a: arguments, f: formats) that returns a string,
 * or, when the message has tags, an array of strings and [tag, content] pairs.
 * @param {string} source @param {{rtl?: boolean, text?: (s: string) => string}} [options]
 */
export function compile(source, { rtl = false, text = (s) => s } = {}) {
  const tree = parse(source);
  const { args, tags } = needs(tree);
  if (rtl && Object.keys(args).length > 1 && !/\p{L}/u.test(ownWords(tree))) tree.unshift(RIGHT_TO_LEFT);
  /** @param {Node} n @returns {string} */
  const one = (n) => {
    if (typeof n === 'string') return JSON.stringify(text(n));
    if ('hash' in n) return `f.n(a.${n.hash})`;
    if ('arg' in n && !('choose' in n)) return rtl ? `f.i(a.${n.arg})` : `a.${n.arg}`;
    if ('tag' in n) return `[${JSON.stringify(n.tag)},${join(n.children)}]`;
    const entries = Object.entries(n.options).map(([k, v]) => `${JSON.stringify(k)}:${join(v)}`);
    return `f.${n.choose === 'plural' ? 'p' : 's'}(a.${n.arg},{${entries.join(',')}})`;
  };
  /** @param {Node[]} list */
  const join = (list) => {
    if (list.length === 0) return '""';
    if (list.length === 1 && isTag(list[0])) return one(list[0]);
    return `""+${list.map(one).join('+')}`.replace(/^""\+(?=")/, '');
  };
  /** Text between tags is one piece. @param {Node[]} list @returns {Node[][]} */
  const pieces = (list) =>
    list.reduce((/** @type {Node[][]} */ out, n) => {
      const last = out.at(-1);
      if (isTag(n) || !last || isTag(last[0])) out.push([n]);
      else last.push(n);
      return out;
    }, []);
  if (tags.length) return `(a,f)=>[${pieces(tree).map(join).join(',')}]`;
  if (Object.keys(args).length === 0) return join(tree);
  return `(a,f)=>${join(tree)}`;
}

/** @param {Node | undefined} n */
const isTag = (n) => typeof n === 'object' && 'tag' in n;

const ACCENTS = Object.fromEntries(
  [...'aAbBcCdDeEgGhHiIjJkKlLnNoOpPrRsStTuUwWyYzZ'].map((c, i) => [
    c,
    [...'áÁƀƁçÇđĐéÉğĞħĦíÍĵĴķĶļĻñÑóÓƥƤřŘšŠţŢúÚŵŴýÝžŽ'][i] ?? c,
  ]),
);

/** The pseudo-locale: accented, about 40 % longer, in brackets, so that a test sees a hard-coded or clipped word. */
export function pseudo(/** @type {string} */ s) {
  if (!/\p{L}/u.test(s)) return s;
  const accented = [...s].map((c) => ACCENTS[c] ?? c).join('');
  return `[${accented}${'~'.repeat(Math.ceil(s.length * 0.4))}]`;
}
