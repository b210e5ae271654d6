import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  curlOf,
  exampleOf,
  fieldsOf,
  find,
  identity,
  resolve,
  tagsOf,
  typeOf,
  type Contract,
} from './contract';

const contract: Contract = {
  tags: [{ name: 'flow', description: 'Definitions.' }],
  paths: {
    '/api/v1/things/{id}': {
      parameters: [{ $ref: '#/components/parameters/id' }],
      get: {
        tags: ['flow'],
        operationId: 'getThing',
        summary: 'One thing',
        'x-who': 'directory',
        'x-scope': 'guests:read',
        responses: {
          '200': {
            description: 'It.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          default: { $ref: '#/components/responses/Problem' },
        },
      },
      post: {
        tags: ['other'],
        operationId: 'makeThing',
        parameters: [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
        responses: { '204': { description: 'Done.' } },
      },
    },
  },
  components: {
    parameters: {
      id: { name: 'id', in: 'path', required: true, schema: { type: 'string', minLength: 4, maxLength: 64 } },
    },
    responses: {
      Problem: {
        description: 'Wrong.',
        content: { 'application/problem+json': { schema: { type: 'object' } } },
      },
    },
    schemas: {
      Loop: { $ref: '#/components/schemas/Loop' },
      Thing: {
        type: 'object',
        required: ['name', 'when'],
        properties: {
          name: { type: 'string' },
          kind: { type: 'string', enum: ['app', 'group'] },
          when: { type: 'string', format: 'date-time' },
          children: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
          maybe: { nullable: true, allOf: [{ $ref: '#/components/schemas/Thing' }] },
        },
      },
    },
  },
};
const thing = { $ref: '#/components/schemas/Thing' };
const [flow, other] = tagsOf(contract);
const read = flow?.operations[0];
const make = other?.operations[0];

describe('the contract on a page', () => {
  it('keeps the order of the tags and finds those that nobody described', () => {
    expect(tagsOf(contract).map((t) => [t.name, t.operations.map((o) => o.id)])).toEqual([
      ['flow', ['getThing']],
      ['other', ['makeThing']],
    ]);
  });

  it('gives each operation the parameters of its path, and answers that stand elsewhere', () => {
    expect(read?.parameters.map((p) => p.name)).toEqual(['id']);
    expect(read?.answers.map((a) => [a.status, a.description, a.body?.type])).toEqual([
      ['200', 'It.', 'application/json'],
      ['default', 'Wrong.', 'application/problem+json'],
    ]);
  });

  it('follows references, and gives up on one that leads to itself', () => {
    expect(resolve(contract, { $ref: '#/components/schemas/Loop' })).toEqual({});
    expect(resolve(contract, { $ref: '#/components/schemas/Nothing' })).toEqual({});
  });

  it('names types, lists, formats, bounds and what may be null', () => {
    const of = (name: string) => fieldsOf(contract, thing).find((f) => f.name === name)?.schema ?? {};
    expect(typeOf(contract, of('when'))).toBe('string (date-time)');
    expect(typeOf(contract, of('children'))).toBe('[Thing]');
    expect(typeOf(contract, of('maybe'))).toBe('Thing | null');
    expect(boundsOf(contract, read?.parameters[0]?.schema ?? {})).toBe('4…64');
  });

  it('knows a schema inside itself by its name, also through a list', () => {
    expect(identity(contract, { type: 'array', items: thing })).toBe('Thing');
  });

  it('makes an example with what is required, and an end to recursion', () => {
    expect(exampleOf(contract, thing)).toEqual({ name: '…', when: '2026-11-19T14:06:00Z' });
    const nested = { type: 'object', required: ['inner'], properties: { inner: thing } };
    expect(exampleOf(contract, nested)).toEqual({ inner: { name: '…', when: '2026-11-19T14:06:00Z' } });
  });

  it('writes a call with this house’s address, a key where one will do, and a body where one is asked for', () => {
    expect(read && curlOf(contract, read, 'https://x.example')).toBe(
      `curl 'https://x.example/api/v1/things/{id}' \\\n  -H "Authorization: Bearer $VESTIBULE_KEY"`,
    );
    const call = (make && curlOf(contract, make, 'https://x.example')) ?? '';
    expect(call).toContain('-X POST');
    expect(call).toContain('Idempotency-Key');
    expect(call).toContain('"name":"…"');
    expect(call).not.toContain('Authorization');
  });

  it('finds operations by every word that is typed', () => {
    expect(find(tagsOf(contract), 'one flow').flatMap((t) => t.operations.map((o) => o.id))).toEqual([
      'getThing',
    ]);
    expect(find(tagsOf(contract), 'nothing like it')).toEqual([]);
    expect(find(tagsOf(contract), ' ').length).toBe(2);
  });
});
