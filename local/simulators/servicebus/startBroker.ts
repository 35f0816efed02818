import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen, localCertificate } from '../shared/loopback.js';
import type { Simulator } from '../shared/runSimulator.js';
import { serveConnection } from './amqp/serveConnection.js';
import { serveAtom } from './atom/serveAtom.js';
import { type Clock, systemClock } from './engine/Clock.js';
import type { Engine } from './engine/Engine.js';
import type { QueueOptions } from './engine/QueueProperties.js';
import { openEngine } from './openEngine.js';
import { connectionStringFor } from './sharedAccess.js';
import { type Protocol, sniff } from './sniff.js';
import type { MessageStore } from './store/MessageStore.js';
import { memoryStore } from './store/memoryStore.js';
import { sqliteStore } from './store/sqliteStore.js';

export interface BrokerOptions {
  /** Default 5672; 0 for any free one. */
  port?: number;
  /** Take a free port when that one is in use. */
  orFreePort?: boolean;
  /** Where messages and the certificate are kept; without it, they last as long as the broker. */
  folder?: string | undefined;
  /** Created when they are not there; given properties are applied to those that are. */
  queues: QueueOptions[];
  /** What the broker has to say, a line each; default: the console. */
  log?: (line: string) => void;
}

export interface BrokerEndpoints {
  connectionString: string;
  port: number;
  /** What a client of the management API (HTTPS) must trust. */
  caFile: string;
}

export interface Broker extends Simulator<BrokerEndpoints> {
  /** For a look inside; clients use the connection string. */
  engine: Engine;
}

/** What tests put in place of the real ones. */
export interface BrokerParts {
  clock?: Clock;
  store?: MessageStore;
}

/**
 * Starts a Service Bus-compatible broker on loopback.
 * @throws Error when the port or the folder is in use
 */
export async function startBroker(options: BrokerOptions, parts: BrokerParts = {}): Promise<Broker> {
  const { folder, log = console.log } = options;
  const clock = parts.clock ?? systemClock;
  const store = parts.store ?? (folder === undefined ? memoryStore() : sqliteStore(folder));
  const engine = await openEngine(store, clock, options.queues, log);
  const certificateFolder = folder ?? (await mkdtemp(join(tmpdir(), 'broker-')));
  const { key, cert, caFile } = await localCertificate(certificateFolder);
  const atom = serveAtom(engine, clock);
  const servers: Record<Exclude<Protocol, 'amqp'>, Server> = {
    tls: createHttpsServer({ key, cert }, atom),
    other: createHttpServer((_request, response) => response.writeHead(400).end(plainHint)),
  };

  const sockets = new Set<Socket>();
  const server = sniff((socket, protocol) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (protocol === 'amqp') serveConnection(socket, { engine, clock, log });
    else servers[protocol].emit('connection', socket);
  });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
    await engine.close();
    if (folder === undefined) await rm(certificateFolder, { recursive: true });
  };
  const port = await listen(server, options.port ?? 5672, options.orFreePort).catch(async (error) => {
    await close();
    throw error;
  });
  return { endpoints: { connectionString: connectionStringFor(port), port, caFile }, close, engine };
}

const plainHint = 'This port speaks AMQP 1.0, and the Service Bus management API over HTTPS.\n';
