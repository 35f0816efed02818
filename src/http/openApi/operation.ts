import * as z from 'zod';
import { problemDocument } from '../problem.js';

/** An operation object of OpenAPI 3.1. */
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

/** The responses of every operation with a function key. */
export const commonResponses = {
  401: { description: 'no function key, or a wrong function key (answered by the host, without a body)' },
  503: problemResponse(
    'queue or records are unreachable, there are too many requests, or a setting is wrong; the request may be lost; repeat the request',
    retryAfter,
  ),
};

export const withKey: Operation['security'] = [{ header: [] }, { query: [] }];

type JsonSchema = Record<string, unknown>;

/** The schemas with a name, for `components`. */
export function namedSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { uri: pointer });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

/**
 * Converts a schema to JSON Schema. A schema with a name becomes a reference to the name.
 *
 * @param io `input` for requests: a field with a default is optional; `output` for answers: a field with a default is required
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
