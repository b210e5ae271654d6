/**
 * Words, dates and numbers in the reader's language.
 *
 * `t('key', {args})` gives a sentence, `rich('key')` the pieces of a sentence with markup (see Rich.svelte). Both read
 * reactive state: when the language changes, every page says it again without a reload. Catalogues are compiled at build
 * time and fetched one language at a time.
 */
import { loaders } from 'virtual:messages';
import { choose, locales, lookup, save } from './locale';
import type { Plain, Rich } from './messages.gen';

export { locales, lookup };
export type Key = keyof Plain;
export type RichKey = keyof Rich;
/** A piece of a sentence: plain text, or the name of a mark with the text inside it. */
export type Piece = string | [tag: string, text: string];
type Args<M, K extends keyof M> = M[K] extends undefined ? [] : [args: M[K]];
type Bundle = 'base' | 'pages' | 'staff';
type Message = string | ((a: unknown, f: typeof formats) => string | Piece[]);

let current = $state.raw<{ code: string; messages: Record<string, Message> }>({ code: 'en', messages: {} });
const bundles = new Set<Bundle>(['base']);

/** The language in use, as a BCP 47 tag. Reactive. */
export const locale = (): string => current.code;
/**
 * The tag for dates and numbers: the reader's own region of this language if the browser names one (en-GB says 14:06,
 * en-US 2:06 PM), with Latin digits, as in codes and references.
 */
function intl(): string {
  const base = current.code.split('-')[0] ?? 'en';
  const own = navigator.languages.find((l) => l === base || l.startsWith(`${base}-`));
  const tag = own?.includes('-') ? own : base === 'en' ? 'en-GB' : base;
  return `${tag}-u-nu-latn`;
}

const formats = {
  n: (n: number) => number(n),
  p(n: number, options: Record<string, string>) {
    const exact = options[`=${n}`];
    return exact ?? options[new Intl.PluralRules(intl()).select(n)] ?? options.other ?? '';
  },
  s: (x: string, options: Record<string, string>) => options[x] ?? options.other ?? '',
  /** A value keeps its own direction inside a right-to-left sentence: first strong isolate … pop. */
  i: (x: unknown) => String.fromCharCode(0x2068) + String(x) + String.fromCharCode(0x2069),
};

async function fetchWords(code: string): Promise<Record<string, Message>> {
  const each = await Promise.all([...bundles].map((b) => loaders[code]?.[b]()));
  return Object.assign({}, ...each.map((m) => m?.default)) as Record<string, Message>;
}

const direction = (code: string) => locales.find((l) => l.code === code)?.dir ?? 'ltr';

/** The language that is or will be in use, and the last change asked for: an older one that arrives late is dropped. */
let chosen = '';
let turn = 0;

async function use(code: string): Promise<void> {
  chosen = code;
  const mine = ++turn;
  const messages = await fetchWords(code);
  if (mine !== turn) return;
  current = { code, messages };
  const html = document.documentElement;
  html.lang = code;
  html.dir = direction(code);
}

/** Loads the reader's language; called once, before anything is shown. */
export const startLanguage = (): Promise<void> => use(chosen || choose());

/** Adds words that the first page does not need; called by layouts before they are shown. */
export async function loadWords(...wanted: Bundle[]): Promise<void> {
  const missing = wanted.filter((b) => !bundles.has(b));
  if (missing.length === 0) return;
  missing.forEach((b) => bundles.add(b));
  // Layouts load at the same time as the shell, which may not have chosen yet.
  await use(chosen || choose());
}

/** Adds everything that staff pages say. */
export const loadStaffWords = (): Promise<void> => loadWords('pages', 'staff');

/** Switches the language now and remembers it. */
export async function setLanguage(code: string): Promise<void> {
  await use(code);
  save(code);
}

export function t<K extends Key>(key: K, ...args: Args<Plain, K>): string {
  const m = current.messages[key];
  if (typeof m === 'function') return m(args[0], formats) as string;
  return m ?? key;
}

/** Whether a key exists: for codes that come from the server, such as states. */
export const has = (key: string): key is Key => key in current.messages;

export function rich<K extends RichKey>(key: K, ...args: Args<Rich, K>): Piece[] {
  const m = current.messages[key];
  return typeof m === 'function' ? (m(args[0] ?? {}, formats) as Piece[]) : [m ?? key];
}

export const number = (n: number, options?: Intl.NumberFormatOptions): string =>
  new Intl.NumberFormat(intl(), options).format(n);

/** A list in words: “Hamburg, Rotterdam and Gdańsk”; in the direction of the language, whatever its first item is. */
export function list(items: string[]): string {
  const words = new Intl.ListFormat(intl());
  if (items.length < 2 || direction(current.code) === 'ltr') return words.format(items);
  return String.fromCharCode(0x200f) + words.format(items.map(formats.i));
}

/** The name of a country in the reader's language. */
export const country = (code: string): string =>
  new Intl.DisplayNames(intl(), { type: 'region', fallback: 'code' }).of(code) ?? code;

/**
 * “19 November 2026”; the month is always a word. A day without a time is that day wherever the reader is, not midnight in
 * Greenwich; what is half typed stays as it is.
 */
export function date(iso: string | Date, style: 'long' | 'medium' = 'long'): string {
  const day = typeof iso === 'string' && /^\d{4}-\d\d-\d\d$/.test(iso);
  const at = new Date(day ? `${iso}T12:00:00` : iso);
  if (Number.isNaN(at.getTime())) return String(iso);
  return new Intl.DateTimeFormat(
    intl(),
    style === 'long' ? { dateStyle: 'long' } : { day: 'numeric', month: 'short', year: 'numeric' },
  ).format(at);
}

/** “Friday 20 November”. */
export const weekday = (iso: string | Date): string =>
  new Intl.DateTimeFormat(intl(), { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(iso));

/** “14:06”, as the reader's country writes it. `zone` adds the name of the time zone where a reader may sit elsewhere. */
export const time = (iso: string | Date, zone = false): string =>
  new Intl.DateTimeFormat(intl(), {
    hour: 'numeric',
    minute: '2-digit',
    ...(zone ? { timeZoneName: 'short' } : {}),
  }).format(new Date(iso));

/** Whole days from the start of the reader's today: 0 today, 1 tomorrow, -1 yesterday. */
export function daysFromToday(iso: string | Date, now = new Date()): number {
  const day = (d: Date) => Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / 86_400_000;
  return day(new Date(iso)) - day(now);
}

/** “Today, 14:06”, “Yesterday, 09:12”, “12 November 2026, 09:12”. */
export function moment(iso: string | Date, now = new Date()): string {
  const days = daysFromToday(iso, now);
  if (Math.abs(days) > 1) return t('moment', { day: date(iso), time: time(iso) });
  const word = new Intl.RelativeTimeFormat(intl(), { numeric: 'auto' }).format(days, 'day');
  const day = word.charAt(0).toLocaleUpperCase(intl()) + word.slice(1);
  return t('moment', { day, time: time(iso) });
}

/** “in 11 days”, “3 hours ago”: for timelines, always beside the full date. */
export function relative(iso: string | Date, now = new Date()): string {
  const seconds = (new Date(iso).getTime() - now.getTime()) / 1000;
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ];
  const format = new Intl.RelativeTimeFormat(intl(), { numeric: 'auto' });
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return format.format(0, 'minute');
}
