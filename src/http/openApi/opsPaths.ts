import type { z } from 'zod';
import { uuidOrDigits } from '../../shared/schemas.js';
import { codeInQuery, type OpsRoute, opsRoutes } from '../ops/routes.js';
import {
  commonResponses,
  jsonRequestBody,
  jsonResponse,
  type Operation,
  problemResponse,
  schemaOf,
  withKey,
} from './operation.js';

/** Describes the paths of `/api/ops/…`, from `opsRoutes`. */
export function opsPaths(): Record<string, Record<string, Operation>> {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of opsRoutes) {
    const path = `/api/ops/${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return paths;
}

function operationOf({ method, path, summary, request: schema, status, response }: OpsRoute): Operation {
  const byId = path.includes('{id}');
  const parameters = [
    ...(byId ? [{ name: 'id', in: 'path', required: true, schema: idOf(path) }] : []),
    ...(schema && method === 'GET' ? queryOf(schema) : []),
  ];
  return {
    operationId: `ops_${method.toLowerCase()}_${path.replace(/[^a-z]+/g, '_').replace(/_$/, '')}`,
    tags: ['operations'],
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(schema && method === 'POST' && { requestBody: jsonRequestBody(schema, false) }),
    responses: {
      [status]: jsonResponse(response, summary),
      400: problemResponse('the request is invalid; the detail says how to correct the request'),
      ...((byId || method === 'POST') && { 404: problemResponse('the id or the fleet is unknown') }),
      ...(method === 'POST' && {
        409: problemResponse('the state of the action or of the device does not allow this'),
        413: problemResponse('the body is larger than 16 KiB'),
        415: problemResponse('the body is compressed (Content-Encoding): send the body uncompressed'),
      }),
      ...commonResponses,
    },
    security: withKey,
  };
}

function idOf(path: string): object {
  return path.startsWith('records') ? schemaOf(uuidOrDigits, 'input') : { type: 'string' };
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
