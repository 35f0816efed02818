import type { IncomingMessage, ServerResponse } from 'node:http';
import { BrokerError, type BrokerErrorCode } from '../engine/BrokerError.js';
import type { Clock } from '../engine/dependencies.js';
import type { Engine } from '../engine/Engine.js';
import { checkSignature, covers, unauthorized } from '../sharedAccess.js';
import { manageQueue, type Request } from './manageQueue.js';
import { errorXml } from './queueXml.js';

const statuses: Partial<Record<BrokerErrorCode, number>> = {
  'entity-exists': 409,
  'entity-not-found': 404,
  'quota-exceeded': 403,
  'store-unavailable': 503,
  unauthorized: 401,
};

/** A description of a queue is a few kilobytes. */
const maxBodyBytes = 64 * 1024;

/** Answers the management API: Atom over HTTPS, as `ServiceBusAdministrationClient` speaks it. */
export const serveAtom =
  (engine: Engine, clock: Clock) =>
  (incoming: IncomingMessage, response: ServerResponse): void => {
    const answer = (status: number, xml: string) => {
      response.writeHead(status, { 'content-type': 'application/atom+xml;charset=utf-8' }).end(xml);
    };
    const fail = (error: unknown) => {
      const status = (error instanceof BrokerError && statuses[error.code]) || 400;
      answer(status, errorXml(status, error instanceof Error ? error.message : String(error)));
    };
    readRequest(incoming)
      .then(async (request) => {
        authorize(incoming, request, clock);
        const reply = manageQueue(engine, request);
        await engine.committed();
        answer(reply.status, reply.xml);
      })
      .catch(fail);
  };

async function readRequest(incoming: IncomingMessage): Promise<Request> {
  const url = new URL(incoming.url ?? '/', `https://${incoming.headers.host ?? 'localhost'}`);
  let body = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    body += chunk;
    if (body.length > maxBodyBytes) throw new BrokerError('argument', 'The request is too large.');
  }
  const isUpdate = incoming.headers['if-match'] === '*';
  return {
    method: incoming.method ?? 'GET',
    url,
    path: decodeURIComponent(url.pathname.slice(1)),
    body,
    isUpdate,
  };
}

/** @throws BrokerError `unauthorized` */
function authorize(incoming: IncomingMessage, { path }: Request, clock: Clock): void {
  const token = incoming.headers.authorization;
  if (!token) throw unauthorized('the request has no Authorization header');
  const claim = checkSignature(token, clock.now());
  if (!covers(claim, path, ['Manage'])) throw unauthorized(`'Manage' claim is required for '${path}'`);
}
