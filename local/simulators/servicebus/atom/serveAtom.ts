import type { IncomingMessage, ServerResponse } from 'node:http';
import { BrokerError, type BrokerErrorCode, entityNotFound, notSupported } from '../engine/BrokerError.js';
import { creditCosts } from '../engine/Credits.js';
import type { AlarmClock } from '../engine/dependencies.js';
import type { Engine } from '../engine/Engine.js';
import type { Queue } from '../engine/Queue.js';
import { checkSignature, permits, unauthorized } from '../sharedAccess.js';
import {
  type Entry,
  elements,
  entryXml,
  errorXml,
  feedXml,
  readDescription,
  textElements,
  writeDescription,
} from './queueXml.js';

const statuses: Partial<Record<BrokerErrorCode, number>> = {
  'entity-exists': 409,
  'entity-not-found': 404,
  'quota-exceeded': 403,
  'server-busy': 503,
  'store-unavailable': 503,
  unauthorized: 401,
};

/** The text of an error, in the form of Service Bus. The SDKs recognise some errors by the sub-code. */
function describeError(status: number, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return status === 401 || status === 503 ? text : `SubCode=${status}00. ${text}`;
}

/** A queue description has a few kilobytes. */
const maxBodyBytes = 64 * 1024;

/** Serves the management API: Atom over HTTP or HTTPS, as `ServiceBusAdministrationClient` uses it. */
export const serveAtom =
  (engine: Engine, clock: AlarmClock) =>
  (incoming: IncomingMessage, response: ServerResponse): void => {
    const answer = (status: number, xml: string) => {
      response.writeHead(status, { 'content-type': 'application/atom+xml;charset=utf-8' }).end(xml);
    };
    const fail = (error: unknown) => {
      const status = (error instanceof BrokerError && statuses[error.code]) || 400;
      answer(status, errorXml(status, describeError(status, error)));
    };
    readRequest(incoming)
      .then(async (request) => {
        authorize(incoming, request, clock);
        engine.credits.take(creditCosts.managementCall);
        const reply = manageQueue(engine, request);
        await engine.durable();
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
function authorize(incoming: IncomingMessage, { path }: Request, clock: AlarmClock): void {
  const token = incoming.headers.authorization;
  if (!token) {
    throw unauthorized(
      'the request has no Authorization header. This port serves AMQP 1.0, and the management API of Service Bus over HTTP and HTTPS',
    );
  }
  const claim = checkSignature(token, clock.now());
  if (!permits(claim, path, ['Manage'])) throw unauthorized(`'Manage' claim is required for '${path}'`);
}

export interface Request {
  method: string;
  url: URL;
  /** The path of an entity, or of a list such as `$Resources/queues`. */
  path: string;
  body: string;
  isUpdate: boolean;
}

export interface Reply {
  status: number;
  xml: string;
}

/**
 * Executes a management request.
 * @throws BrokerError
 */
function manageQueue(engine: Engine, request: Request): Reply {
  const { method, path, url } = request;
  if (path.toLowerCase() === '$namespaceinfo' && method === 'GET') return namespace(url);
  if (path.toLowerCase() === '$resources/queues' && method === 'GET') return list(engine, url);
  if (path.startsWith('$') || /\/subscriptions(\/|$)/i.test(path))
    throw notSupported(`topics (${method} /${path})`);
  if (method === 'PUT') return request.isUpdate ? update(engine, request) : create(engine, request);
  const queue = engine.find(path);
  // Service Bus answers a GET for an unknown entity with an empty feed, and the SDK expects this answer.
  if (method === 'GET')
    return { status: 200, xml: queue ? entryXml(entry(queue, url)) : feedXml(url.href, [], undefined) };
  if (method !== 'DELETE') throw notSupported(`${method} /${path}`);
  engine.remove(existing(engine, path));
  return { status: 200, xml: '' };
}

function create(engine: Engine, { path, body, url }: Request): Reply {
  const queue = engine.create({ ...readDescription(fieldsOf(body)), name: path });
  return { status: 201, xml: entryXml(entry(queue, url)) };
}

function update(engine: Engine, { path, body, url }: Request): Reply {
  const queue = existing(engine, path);
  const fields = fieldsOf(body);
  const hasDetection = queue.record.properties.duplicateWindowMs !== undefined;
  const requested = fields.get('RequiresDuplicateDetection');
  if (requested !== undefined && (requested === 'true') !== hasDetection) {
    throw new BrokerError(
      'argument',
      'The value for the RequiresDuplicateDetection property of an existing Queue cannot be changed.',
    );
  }
  engine.update(queue, readDescription(fields, queue.record.properties));
  return { status: 200, xml: entryXml(entry(queue, url)) };
}

function list(engine: Engine, url: URL): Reply {
  const skip = Number(url.searchParams.get('$skip') ?? 0);
  const top = Math.min(Number(url.searchParams.get('$top') ?? 100), 100);
  const queues = engine.queues.sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
  const next = new URL(url);
  next.searchParams.set('$skip', String(skip + top));
  const page = queues.slice(skip, skip + top).map((queue) => entry(queue, url));
  return { status: 200, xml: feedXml(url.href, page, skip + top < queues.length ? next.href : undefined) };
}

function namespace(url: URL): Reply {
  const at = new Date(0).toISOString();
  const content = `<NamespaceInfo xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">${elements(
    {
      CreatedTime: at,
      MessagingSKU: 'Standard',
      ModifiedTime: at,
      Name: 'local',
      NamespaceType: 'Messaging',
    },
  )}</NamespaceInfo>`;
  return { status: 200, xml: entryXml({ id: url.href, title: 'local', updatedAt: 0, content }) };
}

function fieldsOf(body: string): Map<string, string> {
  const fields = textElements(body, 'QueueDescription');
  if (!fields) throw notSupported('topics, subscriptions and rules');
  return fields;
}

function existing(engine: Engine, name: string): Queue {
  const queue = engine.find(name);
  if (queue) return queue;
  throw entityNotFound(name);
}

const entry = (queue: Queue, url: URL): Entry => ({
  id: new URL(`/${queue.record.name}${url.search}`, url).href,
  title: queue.record.name,
  updatedAt: queue.record.updatedAt,
  content: writeDescription(queue),
});
