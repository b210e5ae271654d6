import { fireEvent, render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { loadWords } from '$lib/i18n/index.svelte';
import Button from './Button.svelte';
import CodeInput from './CodeInput.svelte';
import Copy from './Copy.svelte';
import { COUNTRIES } from './countries';
import DateField from './DateField.svelte';
import { digits, latinDigits } from './digits';
import { initials } from './initials';
import RadioGroup from './RadioGroup.svelte';
import SearchField from './SearchField.svelte';
import TextArea from './TextArea.svelte';
import TextField from './TextField.svelte';
import Tracker from './Tracker.svelte';

await loadWords('pages');
const words = (text: string) => createRawSnippet(() => ({ render: () => `<span>${text}</span>` }));

describe('Button', () => {
  it('ignores presses while it is busy, and stays where the keyboard is', async () => {
    const onclick = vi.fn();
    const { rerender } = render(Button, { children: words('Send'), busyLabel: 'Sending…', onclick });
    const button = screen.getByRole('button');
    await fireEvent.click(button);
    await rerender({ busy: true });
    await fireEvent.click(button);
    expect(onclick).toHaveBeenCalledTimes(1);
    expect(button.getAttribute('aria-disabled')).toBe('true');
    expect(button.hasAttribute('disabled')).toBe(false);
  });
  it('keeps both labels in place, so that its width does not change', () => {
    render(Button, { children: words('Send'), busy: true, busyLabel: 'Sending…' });
    expect(screen.getByText('Send').parentElement?.className).toContain('is-away');
    expect(screen.getByText('Sending…').getAttribute('aria-hidden')).toBe('false');
  });
  it('with an address it is a link', () => {
    render(Button, { children: words('Open'), href: '/apps' });
    expect(screen.getByRole('link').getAttribute('href')).toBe('/apps');
  });
});

describe('TextField', () => {
  it('ties label, hint and error to the input', () => {
    render(TextField, {
      name: 'email',
      label: 'Work email',
      hint: 'Like this',
      error: 'Enter it',
      kind: 'email',
    });
    const input = screen.getByLabelText('Work email');
    expect(input.getAttribute('aria-describedby')).toBe('email-hint email-error');
    expect(input.getAttribute('aria-invalid')).toBe('true');
    expect(input.getAttribute('dir')).toBe('ltr');
    expect(document.getElementById('email-error')?.textContent).toContain('Enter it');
  });
  it('says that an answer is optional', () => {
    render(TextField, { name: 'n', label: 'Note', optional: true });
    expect(screen.getByText('(optional)')).toBeTruthy();
  });
});

describe('TextArea', () => {
  it('counts down only when three quarters are used, in characters', async () => {
    const { rerender } = render(TextArea, { name: 'why', label: 'Why', max: 8, value: '😀😀😀😀😀😀' });
    expect(document.getElementById('why-left')?.textContent?.trim()).toBe('');
    await rerender({ value: '😀😀😀😀😀😀😀' });
    expect(document.getElementById('why-left')?.textContent).toContain('1 character left');
    await rerender({ value: '😀😀😀😀😀😀😀😀😀😀' });
    expect(document.getElementById('why-left')?.textContent).toContain('2 characters too many');
  });
});

describe('CodeInput', () => {
  it.each([
    ['with a space', '482 913', '482913'],
    ['with a dash', '482-913', '482913'],
    ['full-width digits', '４８２９１３', '482913'],
    ['Arabic digits', '٤٨٢٩١٣', '482913'],
    ['pasted with words', 'Your code: 482913', '482913'],
    ['too long', '48291377', '482913'],
  ])('%s', async (_, typed, kept) => {
    render(CodeInput, { name: 'code', label: 'Code' });
    const input = screen.getByLabelText<HTMLInputElement>('Code');
    await fireEvent.input(input, { target: { value: typed } });
    expect(input.value).toBe(kept);
    expect(input.autocomplete).toBe('one-time-code');
  });
});

describe('RadioGroup', () => {
  const props = {
    name: 'why',
    label: 'Why?',
    options: [
      { value: 'a', label: 'Deliver' },
      { value: 'b', label: 'Maintain' },
    ],
    opens: ['b'],
    more: words('Which site?'),
  };
  it('opens the follow-up inside the row that causes it, and closes it again', async () => {
    render(RadioGroup, props);
    await fireEvent.click(screen.getByLabelText(/Maintain/));
    const more = document.getElementById('why-more');
    expect(more?.textContent).toBe('Which site?');
    expect(more?.previousElementSibling?.textContent).toContain('Maintain');
    await fireEvent.click(screen.getByLabelText('Deliver'));
    expect(document.getElementById('why-more')).toBeNull();
  });
  it('the first radio bears the name: the error summary leads there', () => {
    render(RadioGroup, { ...props, error: 'Choose' });
    expect(document.getElementById('why')?.getAttribute('value')).toBe('a');
    expect(screen.getByRole('group').getAttribute('aria-describedby')).toBe('why-error');
  });
});

describe('DateField', () => {
  it('three numbers become one date', async () => {
    render(DateField, { name: 'start', label: 'First day' });
    const type = (label: string, text: string) =>
      fireEvent.change(screen.getByLabelText(label), { target: { value: text } });
    await type('Day', '5');
    await type('Month', '١١');
    await type('Year', '2026');
    const shown = ['Year', 'Month', 'Day'].map(
      (label) => screen.getByLabelText<HTMLInputElement>(label).value,
    );
    expect(shown).toEqual(['2026', '11', '05']);
  });
});

describe('SearchField', () => {
  it('takes focus on “/”, but not while something else is typed', async () => {
    render(SearchField, { label: 'Search apps' });
    const search = screen.getByLabelText('Search apps');
    const other = document.body.appendChild(document.createElement('input'));
    other.focus();
    await fireEvent.keyDown(other, { key: '/' });
    expect(document.activeElement).toBe(other);
    await fireEvent.keyDown(document.body, { key: '/' });
    expect(document.activeElement).toBe(search);
    other.remove();
  });
});

describe('Copy', () => {
  it('copies, and says so', async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal('navigator', { ...navigator, languages: ['en'], clipboard: { writeText } });
    render(Copy, { text: '7KQ-42M-9', label: 'Copy the reference', icon: true });
    await fireEvent.click(screen.getByRole('button'));
    await vi.waitFor(() => expect(screen.getByRole('status').textContent).toBe('Copied'));
    expect(writeText).toHaveBeenCalledWith('7KQ-42M-9');
    vi.unstubAllGlobals();
  });
});

describe('Tracker', () => {
  it('says the state in words and marks the present step', () => {
    render(Tracker, {
      label: 'Progress',
      steps: [
        { id: 'a', state: 'done', title: 'Received' },
        { id: 'b', state: 'current', title: 'With the team' },
        { id: 'c', state: 'todo', title: 'Ready' },
      ],
    });
    const [first, second] = screen.getAllByRole('listitem');
    expect(first?.textContent).toContain('Done:');
    expect(second?.getAttribute('aria-current')).toBe('step');
  });
});

describe('small rules', () => {
  it('digits of any script', () => {
    expect(latinDigits('٣, ३ and 3')).toBe('3, 3 and 3');
    expect(digits('+49 (40) 55')).toBe('494055');
  });
  it.each([
    ['Maria Lindqvist', 'ML'],
    ['Ana Luísa de Souza', 'AS'],
    ['ليلى منصور', 'لم'],
    ['Plato', 'P'],
    ['', ''],
  ])('initials of %s', (name, want) => expect(initials(name)).toBe(want));
  it('every country once', () => {
    expect(new Set(COUNTRIES).size).toBe(COUNTRIES.length);
    expect(COUNTRIES).toHaveLength(249);
  });
});
