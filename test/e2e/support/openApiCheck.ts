import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './provisionApi.js';

interface Description {
  paths: Record<string, Record<string, { responses: Record<string, Described> }>>;
}

interface Described {
  content?: Record<string, { schema: object }>;
  headers?: Record<string, object>;
}

/** Compares answers with an OpenAPI 3.1 document. */
export function openApiCheck(description: object) {
  // OpenAPI adds keywords of its own to JSON Schema for numbers and texts.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema(description, 'api');
  const { paths } = description as Description;
  const seen = new Set<string>();
  return {
    /** All described calls, as `GET /path`. */
    described: Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'parameters')
        .map((method) => `${method.toUpperCase()} ${path}`),
    ),
    /** The compared calls. */
    seen,
    /**
     * @param method with the template of the path: `GET /api/provision/{uuid}`
     * @throws Error with the first difference
     */
    compare(call: string, answer: Answer): void {
      seen.add(call);
      const [method = '', path = ''] = call.split(' ');
      const response = paths[path]?.[method.toLowerCase()]?.responses[answer.status];
      const what = `${call} ${answer.status}`;
      if (!response) throw new Error(`${what} is not described`);
      for (const header of Object.keys(response.headers ?? {}))
        if (!answer.headers.get(header)) throw new Error(`${what} has no ${header}`);
      if (answer.text === '') return;
      const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
      if (!response.content?.[type]) throw new Error(`${what} is ${type}, which is not described`);
      if (!type.includes('json')) return;
      const pointer = [
        'paths',
        path,
        method.toLowerCase(),
        'responses',
        String(answer.status),
        'content',
        type,
        'schema',
      ];
      const ref = `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
      const validate = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
      if (!validate(answer.json))
        throw new Error(`${what} is not as described: ${ajv.errorsText(validate.errors)}\n${answer.text}`);
    },
  };
}
