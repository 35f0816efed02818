import { z } from 'zod';

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
