import { z } from 'zod';
import { problemDocument } from '../problem.js';

/** What is said of a call, in the terms of OpenAPI 3.1. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: object[];
  requestBody?: object;
  responses: Record<string, object>;
  security: Record<string, string[]>[];
}

export const jsonResponse = (schema: z.ZodType, description: string, headers?: object) => ({
  description,
  ...(headers && { headers }),
  content: { 'application/json': { schema: schemaOf(schema, 'output') } },
});

export const problemResponse = (description: string, headers?: object) => ({
  description,
  ...(headers && { headers }),
  content: { 'application/problem+json': { schema: schemaOf(problemDocument, 'output') } },
});

export const textResponse = (description: string, type = 'text/plain') => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});

export const jsonRequestBody = (schema: z.ZodType, required = true) => ({
  required,
  content: { 'application/json': { schema: schemaOf(schema, 'input') } },
});

export const retryAfter = {
  'Retry-After': { description: 'seconds', schema: { type: 'integer', minimum: 1 } },
};

/** What any call with a key may be answered with. */
export const commonResponses = {
  401: { description: 'no key, or not the right one (answered by the host, without a body)' },
  503: problemResponse('queue or records cannot be reached: nothing was promised, ask again', retryAfter),
};

export const withKey: Operation['security'] = [{ header: [] }, { query: [] }];

type JsonSchema = Record<string, unknown>;

/** Those that have a name, for `components`. */
export function namedSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { uri: pointer });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

/**
 * A schema as JSON Schema: a reference to its name if it has one.
 *
 * @param io of what is sent, defaults may be left out; of what is answered, they are there
 */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const name = z.globalRegistry.get(schema)?.id;
  if (name !== undefined) return { $ref: pointer(name) };
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io });
  return json;
}

function pointer(name: string): string {
  return `#/components/schemas/${name}`;
}
