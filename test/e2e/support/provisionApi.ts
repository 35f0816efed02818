import type { Endpoints } from '../../../local/stack/Endpoints.js';
import { waitFor } from '../../support/waitFor.js';

/** The members of all JSON answers. */
interface Members {
  requestId: string;
  uuid: string;
  operation: string;
  service: string | null;
  key: 'issued' | 'device' | null;
  state: string;
  expectedAt: string | null;
  message: string;
  attempts: number;
  error: { code: string; step: string; message: string } | null;
  refusal: { requestId: string; service: string; error: { code: string } } | null;
  certificate: {
    thumbprint: string;
    notBefore: string;
    notAfter: string;
    keyAlgorithm: string;
    pem: string | null;
  } | null;
  issuedUntil: string | null;
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Empty where the answer is not JSON. */
  json: Partial<Members>;
}

/**
 * Repeats a call until the answer has this status. A device is answered 409 only if a worker looked at the device less than a minute ago.
 * A slow machine takes longer than that, and the first answer is then 202.
 */
export function untilStatus(status: number, ask: () => Promise<Answer>): Promise<Answer> {
  return waitFor(`the answer has the status ${status}`, async () => {
    const answer = await ask();
    if (answer.status === status) return answer;
    throw new Error(`the answer is ${answer.status} ${answer.text}`);
  });
}

/** The calls of the functions' callers, with `fetch`. */
export interface ProvisionApi {
  /** A plain request. @param key none unless given */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Asks for credentials; without a service, the body has none. */
  post(uuid: string, service?: string): Promise<Answer>;
  del(uuid: string): Promise<Answer>;
  get(uuid: string): Promise<Answer>;
  health(): Promise<Answer>;
  /**
   * Waits until the device is in this state.
   *
   * @returns the answer of `GET`
   */
  state(uuid: string, state: string): Promise<Answer['json']>;
}

export interface CallOptions {
  key?: string | undefined;
  /** A text is sent unchanged, other values as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** @param endpoints read at every call, because a restarted host may have another port */
export function provisionApi({ functions }: Endpoints): ProvisionApi {
  const { provisionKey, deprovisionKey, opsKey } = functions;

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { key, body, headers } = options;
    const response = await fetch(functions.url + path, {
      method,
      headers: {
        ...(key !== undefined && { 'x-functions-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
    return { status: response.status, headers: response.headers, text, json };
  }

  const get = (uuid: string) => call('GET', `/api/provision/${uuid}`, { key: provisionKey });
  return {
    call,
    get,
    post: (uuid, service) =>
      call('POST', '/api/provision', {
        key: provisionKey,
        body: { uuid, ...(service !== undefined && { balena_service: service }) },
      }),
    del: (uuid) => call('DELETE', `/api/provision/${uuid}`, { key: deprovisionKey }),
    health: () => call('GET', '/api/health', { key: opsKey }),
    state: (uuid, state) =>
      waitFor(`${uuid} is ${state}`, async () => {
        const { json, text } = await get(uuid);
        if (json.state !== state) throw new Error(`it is ${text}`);
        return json;
      }),
  };
}
