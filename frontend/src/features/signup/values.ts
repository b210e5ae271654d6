/** How one answer is cleaned and what is wrong with it, per type of question. The codes are the server's. */
import { latinDigits } from '$lib/ui/digits';
import { COUNTRIES } from '$lib/ui/countries';
import type { Field } from './check';

/** `value` is undefined when nothing was answered. */
export type Cleaned = { code?: string; value?: unknown };

const TEXT_MAX = 200;
const LONG_TEXT_MAX = 2000;
const NAME_MAX = 64;
/** A number beyond this is nobody's answer, and no longer exact. */
const NUMBER_MAX = 1e15;
const EMAIL_MAX = 254;
const PHONE_DIGITS = { min: 7, max: 15 };

export function cleanValue(field: Field, raw: unknown): Cleaned {
  if (raw === undefined || raw === null) return {};
  switch (field.type) {
    case 'number':
      return number(field, raw);
    case 'checkbox':
      return typeof raw === 'boolean' ? { value: raw } : { code: 'answer_type' };
    case 'choices':
      return choices(field, raw);
  }
  if (typeof raw !== 'string') return { code: 'answer_type' };
  const long = field.type === 'longText';
  const text = (long ? raw.replace(/\r\n?/g, '\n').replace(/[^\S\n]+$/gm, '') : raw).normalize('NFC').trim();
  if (text === '') return {};
  if (forbidden(text, long)) return { code: 'answer_characters' };
  return TEXTS[field.type]?.(field, text) ?? { value: text };
}

const TEXTS: Partial<Record<Field['type'], (field: Field, text: string) => Cleaned>> = {
  text: shortText,
  longText: (field, text) => length(field, text, LONG_TEXT_MAX) ?? { value: text },
  email: (_, text) => email(text),
  sponsor: (_, text) => email(text),
  phone: (_, text) => phone(text),
  country: (_, text) =>
    COUNTRIES.includes(text.toUpperCase()) ? { value: text.toUpperCase() } : { code: 'answer_country' },
  choice: (field, text) =>
    field.options?.some((o) => o.value === text) ? { value: text } : { code: 'answer_choice' },
  date,
  url: (_, text) => (isWebAddress(text) ? { value: text } : { code: 'answer_url' }),
};

/** Control characters, line and paragraph separators, what turns the direction of text around, and what cannot be seen. */
function forbidden(text: string, lines: boolean): boolean {
  const shown = lines ? text.replace(/[\n\t]/g, '') : text;
  return /[\p{Cc}\p{Noncharacter_Code_Point}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffd\u{e0000}-\u{e007f}]/u.test(
    shown,
  );
}

function length(field: Field, text: string, max: number): Cleaned | undefined {
  const n = [...text].length;
  if (n > (field.maxLength ?? max)) return { code: 'answer_too_long' };
  if (n < (field.minLength ?? 0)) return { code: 'answer_too_short' };
  return undefined;
}

const PERSON = ['name', 'given-name', 'family-name', 'additional-name', 'nickname'];
const COMPANY = ['organization', 'organization-title'];

function shortText(field: Field, text: string): Cleaned {
  const person = PERSON.includes(field.autocomplete ?? '');
  const company = COMPANY.includes(field.autocomplete ?? '');
  const wrong = length(field, text, person ? NAME_MAX : TEXT_MAX);
  if (wrong) return wrong;
  if ((person || company) && !isName(text, company)) return { code: 'name_not_accepted' };
  return { value: text };
}

/** Names go into mails, so they must not carry an address or a phone number to a stranger. */
function isName(text: string, company: boolean): boolean {
  const plain = text.normalize('NFKC');
  const allowed = company ? /^[\p{L}\p{M}\p{Nd}\p{Zs}.,'’‘&()/°ªº–-]+$/u : /^[\p{L}\p{M}\p{Zs}.,'’‘()·–-]+$/u;
  if (!allowed.test(plain) || !/\p{L}/u.test(plain)) return false;
  if (/www\./i.test(plain) || /[\p{L}\p{Nd}-]{2,}\.\p{L}{2,}/u.test(plain)) return false;
  return (plain.match(/\p{Nd}/gu)?.length ?? 0) < 7;
}

/** Dot-atom @ host name with a dot; the domain is kept in small letters. */
export function email(text: string): Cleaned {
  const at = text.lastIndexOf('@');
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  const atom = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
  const ok = local.length <= 64 && text.length <= EMAIL_MAX && atom.test(local) && isHost(domain);
  return ok ? { value: `${local}@${domain.toLowerCase()}` } : { code: 'answer_email' };
}

function isHost(host: string): boolean {
  const labels = host.split('.');
  const label = /^[\p{L}\p{M}\p{Nd}]([\p{L}\p{M}\p{Nd}-]{0,61}[\p{L}\p{M}\p{Nd}])?$/u;
  return labels.length > 1 && labels.every((l) => label.test(l)) && /\p{L}/u.test(labels.at(-1) ?? '');
}

/** E.164, from the ways people write it. */
function phone(text: string): Cleaned {
  const plain = latinDigits(text)
    .replace(/\(0\)/, '')
    .replace(/[\s().\/-]/g, '');
  const found = /^(?:\+|00)([1-9]\d*)$/.exec(plain)?.[1] ?? '';
  const ok = found.length >= PHONE_DIGITS.min && found.length <= PHONE_DIGITS.max;
  return ok ? { value: `+${found}` } : { code: 'answer_phone' };
}

function isWebAddress(text: string): boolean {
  const parts = /^https?:\/\/([^/?#\\@\s:]+)(?::(\d{1,5}))?([/?#][^\s\\]*)?$/i.exec(text);
  if (!parts?.[1] || !isHost(parts[1])) return false;
  const port = parts[2] === undefined ? 443 : Number(parts[2]);
  return port >= 1 && port <= 65_535;
}

function date(field: Field, text: string): Cleaned {
  if (!/^(19|20|21)\d\d-\d\d-\d\d$/.test(text)) return { code: 'answer_date' };
  const day = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) return { code: 'answer_date' };
  if (field.minDate && text < field.minDate) return { code: 'answer_date_early' };
  if (field.maxDate && text > field.maxDate) return { code: 'answer_date_late' };
  return { value: text };
}

function number(field: Field, raw: unknown): Cleaned {
  if (typeof raw !== 'number') return { code: 'answer_type' };
  if (!Number.isFinite(raw) || Math.abs(raw) > NUMBER_MAX) return { code: 'answer_number' };
  if (field.wholeNumber && !Number.isInteger(raw)) return { code: 'answer_number' };
  if (field.min !== undefined && raw < field.min) return { code: 'answer_number_low' };
  if (field.max !== undefined && raw > field.max) return { code: 'answer_number_high' };
  return { value: raw };
}

function choices(field: Field, raw: unknown): Cleaned {
  if (!Array.isArray(raw) || raw.some((v) => typeof v !== 'string')) return { code: 'answer_type' };
  if (raw.length === 0) return {};
  const known = raw.every((v) => field.options?.some((o) => o.value === v));
  if (!known || new Set(raw).size !== raw.length) return { code: 'answer_choice' };
  return { value: raw };
}
