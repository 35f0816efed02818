import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen, localCertificate } from '../shared/loopback.js';
import type { Simulator } from '../shared/runSimulator.js';
import { deadLetterPayload } from './amqp/applicationProperties.js';
import { type IdleTimes, serviceIdleTimes } from './amqp/IdleWatch.js';
import { serveConnection } from './amqp/serveConnection.js';
import { withTimeToLive } from './amqp/timeToLive.js';
import { serveAtom } from './atom/serveAtom.js';
import { startCreditsControl } from './creditsControl.js';
import { type AlarmClock, systemAlarmClock } from './engine/dependencies.js';
import { Engine } from './engine/Engine.js';
import type { QueueOptions } from './engine/QueueProperties.js';
import { connectionStringFor } from './sharedAccess.js';
import { type MessageStore, memoryStore } from './store/MessageStore.js';
import { sqliteStore } from './store/sqliteStore.js';

export interface BrokerOptions {
  /** Default 5672; 0 for any free port. */
  port?: number;
  /** Take a free port if `port` is in use. */
  orFreePort?: boolean;
  /** The folder for messages and the certificate. Without a folder, both exist only as long as the broker runs. */
  folder?: string | undefined;
  /** Missing queues are created. Existing queues get the given properties. */
  queues: QueueOptions[];
  /** When the broker ends unused links and connections. Default: the times of Service Bus. */
  idle?: Partial<IdleTimes>;
  /** The credits of the namespace for each second: sends, deliveries and requests beyond them are throttled. Default: no limit. */
  credits?: number;
  /** Gets the broker's log lines. Default: the console. */
  log?: (line: string) => void;
}

export interface BrokerEndpoints {
  connectionString: string;
  port: number;
  /** The certificate that a client of the management API (HTTPS) must trust. */
  caFile: string;
  /** The control server (see creditsControl.ts). */
  controlUrl: string;
}

export interface Broker extends Simulator<BrokerEndpoints> {
  /** For a look inside; clients use the connection string. */
  engine: Engine;
}

/** Replacements for tests. */
export interface BrokerDependencies {
  clock?: AlarmClock;
  store?: MessageStore;
}

/**
 * Starts a Service Bus-compatible broker on loopback.
 * @throws Error if the port or the folder is in use
 */
export async function startBroker(
  options: BrokerOptions,
  replacements: BrokerDependencies = {},
): Promise<Broker> {
  const { folder, log = console.log } = options;
  const clock = replacements.clock ?? systemAlarmClock;
  const store = replacements.store ?? (folder === undefined ? memoryStore() : sqliteStore(folder));
  const engine = await openEngine(store, clock, options, log);
  const certificateFolder = folder ?? (await mkdtemp(join(tmpdir(), 'broker-')));
  const { key, cert, caFile } = await localCertificate(certificateFolder);
  const atom = serveAtom(engine, clock);
  const servers: Record<Exclude<Protocol, 'amqp'>, Server> = {
    tls: createHttpsServer({ key, cert }, atom),
    other: createHttpServer(atom),
  };

  const control = await startCreditsControl(engine);
  for (const each of Object.values(servers)) control.connections.watch(each);
  const idle = { ...serviceIdleTimes, ...options.idle };
  const sockets = new Set<Socket>();
  const server = createPortServer((socket, protocol) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (protocol !== 'amqp') return servers[protocol].emit('connection', socket);
    serveConnection(socket, { engine, clock, idle, log });
    control.connections.add(socket);
  });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    await control.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    await engine.close();
    if (folder === undefined) await rm(certificateFolder, { recursive: true });
  };
  const port = await listen(server, options.port ?? 5672, options.orFreePort).catch(async (error) => {
    await close();
    throw error;
  });
  const endpoints = { connectionString: connectionStringFor(port), port, caFile, controlUrl: control.url };
  return { endpoints, close, engine };
}

/**
 * Opens the engine on a store. Missing queues are created, and existing queues get the given properties.
 * @throws Error if a queue's properties are invalid, or if the store refuses the commit
 */
async function openEngine(
  store: MessageStore,
  clock: AlarmClock,
  { queues, credits = Infinity }: BrokerOptions,
  log: (line: string) => void,
): Promise<Engine> {
  const onStoreState = (error?: Error) => log(storeLine(error));
  const engine = new Engine({ clock, store, payloads, creditsPerSecond: credits, onStoreState });
  try {
    for (const queue of queues) {
      const existing = engine.find(queue.name);
      if (existing) engine.update(existing, queue);
      else engine.create(queue);
    }
    await engine.durable();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

const payloads = { deadLetter: deadLetterPayload, capTimeToLive: withTimeToLive };

const storeLine = (error: Error | undefined) =>
  error
    ? `broker: cannot write to disk (${error.message}); sends and settlements fail until the disk accepts writes again`
    : 'broker: can write to disk again';

/** The protocol of a client, recognised by the first byte: `A` from `AMQP`, or the handshake record of TLS. */
type Protocol = 'amqp' | 'tls' | 'other';

const protocols: Record<number, Protocol> = { 65: 'amqp', 22: 'tls' };

/** The broker disconnects a client that sends nothing for this time after connecting. */
const silenceMs = 30_000;

/**
 * A server for AMQP, HTTPS and HTTP on one port. The SDKs' clients all connect to the port of the connection string. With
 * `UseDevelopmentEmulator=true`, newer administration clients use HTTP and older administration clients use HTTPS.
 */
function createPortServer(serve: (socket: Socket, protocol: Protocol) => void): Server {
  return createServer({ noDelay: true }, (socket) => {
    const ignore = () => {};
    socket.on('error', ignore);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.once('readable', () => {
      socket.setTimeout(0);
      const first: Buffer | null = socket.read();
      if (!first) return;
      socket.unshift(first);
      serve(socket, protocols[first[0]!] ?? 'other');
    });
  });
}
