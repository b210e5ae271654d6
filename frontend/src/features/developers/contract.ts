/** The contract as the server gives it, read into what a page shows. Nothing here knows one operation from another. */

export type Schema = {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  nullable?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
};
type Media = { schema?: Schema };
export type Parameter = {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
};
type Response = { $ref?: string; description?: string; content?: Record<string, Media> };
type RawOperation = {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Record<string, Media> };
  responses?: Record<string, Response>;
  'x-who'?: string;
  'x-scope'?: string;
};
export type Contract = {
  info?: { title?: string; version?: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths?: Record<string, Record<string, unknown>>;
  components?: Record<string, Record<string, unknown>>;
};
export type Body = { type: string; schema: Schema };
export type Answer = { status: string; description: string; body?: Body };
export type Operation = {
  id: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  who: string;
  scope: string;
  parameters: Parameter[];
  body?: Body;
  answers: Answer[];
};
export type Tag = { name: string; description: string; operations: Operation[] };

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Follows references until there is none; an unknown or circular one gives an empty value. */
export function resolve<T extends { $ref?: string }>(contract: Contract, value: T): T {
  let now = value;
  for (let hops = 0; now.$ref && hops < 20; hops++) {
    const [kind, name] = now.$ref.replace('#/components/', '').split('/');
    now = (contract.components?.[kind ?? '']?.[name ?? ''] ?? {}) as T;
  }
  return now.$ref ? ({} as T) : now;
}

/** The last word of a reference: the name of a schema. */
export const nameOf = (schema: Schema): string => schema.$ref?.split('/').at(-1) ?? '';

/** The operations by tag, in the order of the contract; what has no tag stands under an empty one. */
export function tagsOf(contract: Contract): Tag[] {
  const tags = new Map<string, Tag>(
    (contract.tags ?? []).map((tag) => [
      tag.name,
      { name: tag.name, description: tag.description ?? '', operations: [] },
    ]),
  );
  for (const [path, item] of Object.entries(contract.paths ?? {})) {
    for (const method of METHODS.filter((m) => item[m])) {
      const raw = item[method] as RawOperation;
      const name = raw.tags?.[0] ?? '';
      const tag = tags.get(name) ?? { name, description: '', operations: [] };
      tags.set(name, tag);
      tag.operations.push(
        operation(contract, path, method, raw, (item.parameters as Parameter[] | undefined) ?? []),
      );
    }
  }
  return [...tags.values()].filter((tag) => tag.operations.length > 0);
}

function operation(
  c: Contract,
  path: string,
  method: string,
  raw: RawOperation,
  shared: Parameter[],
): Operation {
  return {
    id: raw.operationId ?? `${method}${path.replace(/\W+/g, '-')}`,
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? '',
    description: raw.description ?? '',
    who: raw['x-who'] ?? '',
    scope: raw['x-scope'] ?? '',
    parameters: [...shared, ...(raw.parameters ?? [])].map((p) => resolve(c, p)),
    body: bodyOf(raw.requestBody?.content),
    answers: Object.entries(raw.responses ?? {}).map(([status, r]) => {
      const full = resolve(c, r);
      return { status, description: full.description ?? '', body: bodyOf(full.content) };
    }),
  };
}

function bodyOf(content: Record<string, Media> | undefined): Body | undefined {
  const [type, media] = Object.entries(content ?? {})[0] ?? [];
  return type && media?.schema ? { type, schema: media.schema } : undefined;
}

export type Field = { name: string; required: boolean; schema: Schema };

/** A schema with its references and `allOf` put together. */
export function whole(contract: Contract, schema: Schema): Schema {
  const own = resolve(contract, schema);
  if (!own.allOf) return own;
  return own.allOf.reduce<Schema>(
    (out, part) => {
      const p = whole(contract, part);
      return {
        ...out,
        ...p,
        properties: { ...out.properties, ...p.properties },
        required: [...(out.required ?? []), ...(p.required ?? [])],
      };
    },
    { ...own, allOf: undefined },
  );
}

/** The fields of an object, or of the objects of a list; none for anything else. */
export function fieldsOf(contract: Contract, schema: Schema): Field[] {
  const own = whole(contract, schema);
  if (own.items) return fieldsOf(contract, own.items);
  return Object.entries(own.properties ?? {}).map(([name, field]) => ({
    name,
    required: own.required?.includes(name) ?? false,
    schema: field,
  }));
}

/** Which named schema the fields of this one belong to, to notice one inside itself. */
export function identity(contract: Contract, schema: Schema): string {
  const own = whole(contract, schema);
  return own.items ? identity(contract, own.items) : nameOf(schema.allOf?.[0] ?? schema);
}

/** “string (date-time)”, “list of FlowPage”. */
export function typeOf(contract: Contract, schema: Schema): string {
  const own = whole(contract, schema);
  if (own.items) return `[${typeOf(contract, own.items)}]`;
  const name = nameOf(schema.allOf?.[0] ?? schema);
  const base = own.type === 'object' || own.properties ? name || 'object' : (own.type ?? 'any');
  return `${base}${own.format ? ` (${own.format})` : ''}${own.nullable || schema.nullable ? ' | null' : ''}`;
}

/** What a value must keep: its length or size, as an interval. */
export function boundsOf(contract: Contract, schema: Schema): string {
  const own = whole(contract, schema);
  const low = own.minLength ?? own.minimum;
  const high = own.maxLength ?? own.maximum;
  if (low === undefined && high === undefined) return '';
  return `${low ?? ''}…${high ?? ''}`;
}

/** A body that fits the schema, with what is required and made-up values. Recursion ends where a schema meets itself. */
export function exampleOf(contract: Contract, schema: Schema, inside: string[] = []): unknown {
  const own = whole(contract, schema);
  const name = nameOf(schema);
  if (name && inside.includes(name)) return {};
  const deeper = name ? [...inside, name] : inside;
  if (own.enum?.length) return own.enum[0];
  if (own.default !== undefined) return own.default;
  if (own.items) return [exampleOf(contract, own.items, deeper)];
  if (own.properties || own.type === 'object') {
    const fields = fieldsOf(contract, own).filter((f) => f.required || fieldsOf(contract, own).length < 3);
    return Object.fromEntries(fields.map((f) => [f.name, exampleOf(contract, f.schema, deeper)]));
  }
  if (own.type === 'integer' || own.type === 'number') return own.minimum ?? 1;
  if (own.type === 'boolean') return true;
  return own.format === 'date-time' ? '2026-11-19T14:06:00Z' : '…';
}

/** A call to copy into a terminal: the key where one will do, the body where one is asked for. */
export function curlOf(contract: Contract, op: Operation, base: string): string {
  const needed = op.parameters.filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=…`);
  const url = `${base}${op.path}${needed.length ? `?${needed.join('&')}` : ''}`;
  const lines = [`curl ${op.method === 'GET' ? '' : `-X ${op.method} `}'${url}'`];
  if (op.scope) lines.push(`-H "Authorization: Bearer $VESTIBULE_KEY"`);
  if (op.parameters.some((p) => p.in === 'header' && p.name === 'Idempotency-Key'))
    lines.push(`-H "Idempotency-Key: $(uuidgen)"`);
  if (op.body) {
    lines.push(`-H 'Content-Type: ${op.body.type}'`);
    lines.push(`-d '${JSON.stringify(exampleOf(contract, op.body.schema))}'`);
  }
  return lines.join(' \\\n  ');
}

/** The tags with only the operations that say every word of the search. */
export function find(tags: Tag[], search: string): Tag[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return tags;
  const fits = (op: Operation, tag: Tag) => {
    const text =
      `${tag.name} ${op.id} ${op.method} ${op.path} ${op.summary} ${op.description} ${op.scope}`.toLowerCase();
    return words.every((w) => text.includes(w));
  };
  return tags
    .map((tag) => ({ ...tag, operations: tag.operations.filter((op) => fits(op, tag)) }))
    .filter((tag) => tag.operations.length > 0);
}
