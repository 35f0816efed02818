import type { Handle, ReceivedRequest } from '../shared/requests.js';
import { checkSharedAccessSignature, type Policy, type RegistryRight } from './access.js';
import { errorAnswer, HubError } from './hubError.js';
import { type RegistryOperationsOptions, registryOperations } from './registryOperations.js';

export interface RegistryApiOptions extends RegistryOperationsOptions {
  policies: Policy[];
}

/** For the request counts. */
export const registryPattern = ({ path }: ReceivedRequest) =>
  path.replace(/^\/devices\/(?!query$).+/, '/devices/{id}');

/**
 * Makes the identity registry's REST API (`api-version` 2021-04-12), a function from request to answer. A wrong
 * version, token or path is answered here and costs no operation. `registryOperations` answers everything else.
 */
export function registryApi({ policies, ...options }: RegistryApiOptions): Handle {
  const operationsAt = registryOperations(options);
  return async (asked) => {
    try {
      const { method, path, headers } = asked;
      checkApiVersion(asked.query.get('api-version'));
      const needs = rightFor(method, path);
      checkSharedAccessSignature(headers.authorization, {
        policies,
        path,
        needs,
        now: Date.now(),
      });
      const operations = operationsAt(path);
      if (!operations) throw new HubError('ResourceNotFound', 'Not found');
      const operation = operations[method];
      if (!operation) throw new HubError('MethodNotAllowed', `Method ${method} is not allowed here`);
      return await operation(asked);
    } catch (error) {
      if (error instanceof HubError) return errorAnswer(error);
      throw error;
    }
  };
}

function rightFor(method: string, path: string): RegistryRight {
  return method === 'GET' || path === '/devices/query' ? 'read' : 'write';
}

function checkApiVersion(version: string | null): void {
  if (version && /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return;
  throw new HubError('InvalidProtocolVersion', 'BadRequest: api-version is missing or not supported');
}
