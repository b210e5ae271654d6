import { describe, expect, it } from 'vitest';
import { groupByDay, type Row } from './group';

const now = new Date(2026, 10, 19, 15, 30);
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).toISOString();
const row = (id: string, more: Partial<Row>): Row => ({
  id,
  reference: '7KQ-42M-9',
  state: 'pending',
  applicant: { email: 'maria@fabrikam.de' },
  flow: { slug: 'supplier', title: 'Supplier access', version: 1 },
  submittedAt: at(18, 9),
  risk: 'low',
  stage: 1,
  stages: 1,
  ...more,
});

describe('rows of the inbox', () => {
  it('stand under the day they are due, in the reader’s time', () => {
    const rows = [
      row('late', { dueAt: at(19, 12) }),
      row('today', { dueAt: at(19, 17) }),
      row('tomorrow', { dueAt: at(20, 9) }),
      row('too', { dueAt: at(20, 17) }),
      row('monday', { dueAt: at(23, 17) }),
      row('never', {}),
    ];
    expect(groupByDay(rows, 'due', now).map((g) => [g.day, g.rows.map((r) => r.id)])).toEqual([
      ['past', ['late']],
      [0, ['today']],
      [1, ['tomorrow', 'too']],
      [4, ['monday']],
      ['none', ['never']],
    ]);
  });

  it('that are decided stand under the day of the decision, and none is late', () => {
    const rows = [row('b', { dueAt: at(1, 9), decidedAt: at(19, 10) }), row('a', { decidedAt: at(18, 10) })];
    expect(groupByDay(rows, 'decided', now).map((g) => g.day)).toEqual([0, -1]);
  });

  it('make one group a day even when the server sorts by another clock', () => {
    const rows = [
      row('a', { dueAt: at(20, 9) }),
      row('b', { dueAt: at(21, 9) }),
      row('c', { dueAt: at(20, 23) }),
    ];
    expect(groupByDay(rows, 'due', now).map((g) => g.rows.length)).toEqual([2, 1]);
  });
});
