import type { z } from 'zod';
import { uuid } from '../../shared/schemas.js';
import { codeInQuery, type OpsRoute, opsRoutes } from '../ops/routes.js';
import { always, json, type Operation, problem, schemaOf, takes, withKey } from './operation.js';

/** The paths of `/api/ops/…`, from its routes. */
export function opsPaths(): Record<string, Record<string, Operation>> {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of opsRoutes) {
    const path = `/api/ops/${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return paths;
}

function operationOf({ method, path, summary, takes: taken, status, gives }: OpsRoute): Operation {
  const byId = path.includes('{id}');
  const parameters = [
    ...(byId ? [{ name: 'id', in: 'path', required: true, schema: idOf(path) }] : []),
    ...(taken && method === 'GET' ? queryOf(taken) : []),
  ];
  return {
    operationId: `ops_${method.toLowerCase()}_${path.replace(/[^a-z]+/g, '_').replace(/_$/, '')}`,
    tags: ['operations'],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(taken && method === 'POST' && { requestBody: takes(taken, false) }),
    responses: {
      [status]: json(gives, summary),
      400: problem('something is wrong with the request: the detail says what'),
      ...(byId && { 404: problem('there is none of this id') }),
      ...(method === 'POST' && {
        ...(byId && { 409: problem('it is not in a state for that') }),
        413: problem('the body is larger than 16 KiB'),
      }),
      ...always,
    },
    security: withKey,
  };
}

function idOf(path: string): object {
  return path.startsWith('records') ? schemaOf(uuid, 'input') : { type: 'string' };
}

function queryOf(schema: z.ZodObject): object[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, ...rest } = schemaOf(field as z.ZodType, 'input') as { description?: string };
    return {
      name: name === 'code' ? codeInQuery : name,
      in: 'query',
      required: false,
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}
