import { createHash, type X509Certificate } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { createServer, TLSSocket } from 'node:tls';
import { Aedes, type Client, type SubscribePacket } from 'aedes';
import type { Connections } from '../shared/connections.js';
import { type LocalCertificate, listen } from '../shared/loopback.js';
import {
  createTwins,
  ForbiddenMessage,
  maySubscribe,
  receiveMessage,
  shortId,
  type Telemetry,
} from './deviceMessages.js';
import type { StoredIdentity } from './identity.js';
import { isHubName } from './registryApi.js';

export interface MqttServerOptions {
  certificate: LocalCertificate;
  /** Gets the connections of the devices. */
  connections?: Connections;
  port: number;
  orFreePort?: boolean;
  device(deviceId: string): StoredIdentity | undefined;
  onTelemetry(telemetry: Telemetry): void;
  onEvent(line: string): void;
}

/** The hub's MQTT server for devices: MQTT 3.1.1 over TLS. */
export interface MqttServer {
  port: number;
  /** The ids of the connected devices. */
  connected(): string[];
  isConnected(deviceId: string): boolean;
  /**
   * Checks a device's rights again after a change of the identity, and closes the connection if the rights are gone.
   */
  recheck(deviceId: string): void;
  close(): Promise<void>;
}

/** Internals of aedes 1.2 that the server needs and the typings lack. */
interface ClientInternals {
  /** The message that the broker publishes when the connection breaks. */
  will?: unknown;
  _parser: EventEmitter;
}

/** MQTT's CONNACK 5: not authorized. */
const notAuthorized = 5;

export async function startMqttServer(options: MqttServerOptions): Promise<MqttServer> {
  const { onEvent } = options;
  const clients = new Map<string, Client>();
  const usernames = new WeakMap<Client, string | undefined>();
  const twins = createTwins();

  const reasonFor = (client: Client) =>
    reasonToRefuse(
      {
        clientId: client.id,
        username: usernames.get(client),
        certificate: client.conn instanceof TLSSocket ? client.conn.getPeerX509Certificate() : undefined,
      },
      options.device(client.id),
    );

  const broker = await Aedes.createBroker({
    preConnect(_client, { protocolVersion }, done) {
      // aedes refuses version 5 but accepts version 3 (MQTT 3.1). The hub refuses both.
      const allowed = protocolVersion !== 3;
      done(allowed ? null : new Error('only MQTT 3.1.1 is supported'), allowed);
    },
    authenticate(client, username, _password, done) {
      usernames.set(client, username);
      const reason = reasonFor(client);
      if (!reason) return done(null, true);
      onEvent(`device ${shortId(client.id)} refused: ${reason}`);
      done(Object.assign(new Error(reason), { returnCode: notAuthorized }), false);
    },
    // Called before the PUBACK: an acknowledged message has been received.
    authorizePublish(client, packet, done) {
      if (!client) return done(null);
      const properties = hubProperties(packet, packet === (client as Client & ClientInternals).will);
      packet.retain = false; // The hub keeps no retained messages.
      try {
        const onTelemetry = (telemetry: Telemetry) =>
          options.onTelemetry({ ...telemetry, properties: { ...telemetry.properties, ...properties } });
        const answer = receiveMessage(client.id, packet, { twins, onTelemetry });
        if (answer) client.publish(answer, () => {}); // Without a callback, aedes 1.2 throws.
        done(null);
      } catch (error) {
        if (!(error instanceof ForbiddenMessage)) throw error;
        onEvent(`device ${shortId(client.id)} is disconnected: ${error.message}`);
        done(error);
      }
    },
    authorizeSubscribe(client, subscription, done) {
      done(null, maySubscribe(client.id, subscription.topic) ? subscription : null);
    },
  });

  // This map tracks the connections. aedes loses track of a connection when a device connects several times at the
  // same moment.
  broker.on('client', (client) => {
    const { id, conn } = client;
    clients.get(id)?.close();
    clients.set(id, client);
    conn.once('close', () => {
      if (clients.get(id) === client) clients.delete(id);
      onEvent(`device ${shortId(id)} disconnected`);
    });
    onEvent(`device ${shortId(id)} connected`);
    recheck(id);
  });
  function recheck(deviceId: string): void {
    if (!options.device(deviceId)) twins.forget(deviceId);
    const client = clients.get(deviceId);
    const reason = client && reasonFor(client);
    if (!reason) return;
    onEvent(`device ${shortId(deviceId)} is disconnected: ${reason}`);
    client.close();
  }

  const closeBroker = () => new Promise<void>((resolve) => broker.close(resolve));
  const tls = createTlsServer(options, broker);
  options.connections?.watch(tls.server);
  const port = await listen(tls.server, options.port, options.orFreePort).catch(async (error) => {
    await closeBroker();
    throw error;
  });

  return {
    port,
    connected: () => [...clients.keys()],
    isConnected: (deviceId) => clients.has(deviceId),
    recheck,
    async close() {
      const closed = new Promise((resolve) => tls.server.close(resolve));
      await closeBroker();
      tls.destroySockets();
      await closed;
    },
  };
}

/**
 * The hub grants QoS 1 at most. aedes grants the requested QoS, whatever `authorizeSubscribe` returns, and so the request is changed
 * before aedes sees the request.
 */
function grantQos1AtMost(client: Client): void {
  const { _parser: parser } = client as Client & ClientInternals;
  parser.prependListener('packet', (packet: SubscribePacket | { cmd: 'connect' }) => {
    if (packet.cmd !== 'subscribe') return;
    for (const subscription of packet.subscriptions) {
      if (subscription.qos === 2) subscription.qos = 1;
    }
  });
}

/**
 * The properties that the hub adds to a message: for a retained message (documented also as `x-opt-retain`, seen as `mqtt-retain`), and
 * for a will.
 */
function hubProperties({ retain }: { retain: boolean }, isWill: boolean): Record<string, string> {
  return {
    ...(retain && { 'mqtt-retain': 'true' }),
    ...(isWill && { 'iothub-MessageType': 'Will' }),
  };
}

/** The TLS server in front of the broker. Clients may connect without a certificate, for a clear refusal over MQTT. */
function createTlsServer({ certificate, onEvent }: MqttServerOptions, broker: Aedes) {
  const { key, cert } = certificate;
  const server = createServer(
    { key, cert, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false },
    (socket) => grantQos1AtMost(broker.handle(socket)),
  );
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', ({ message }) => onEvent(`a TLS handshake failed: ${message}`));
  return {
    server,
    /** Closes all connections, even connections without a CONNECT packet. */
    destroySockets() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The credentials that a device shows on connecting. */
export interface Credentials {
  clientId: string;
  username: string | undefined;
  /** From the TLS connection. The handshake has proven that the device holds the private key. */
  certificate: X509Certificate | undefined;
}

/**
 * The reason to refuse a connection; undefined for an allowed connection. As on the hub, only the thumbprint and the
 * validity dates count, not the issuer, the subject or a revocation list. Devices with another kind of authentication
 * (tokens, CA) are always refused here.
 */
export function reasonToRefuse(
  { clientId, username, certificate }: Credentials,
  identity: StoredIdentity | undefined,
  now = Date.now(),
): string | undefined {
  const user = /^([^/]+)\/([^/]+)\/\?(.*)$/.exec(username ?? '');
  if (!user) return 'the username is not <host name>/<device id>/?api-version=...';
  const [, host = '', deviceId, query] = user;
  if (!isHubName(host)) return 'the username names another hub';
  if (deviceId !== clientId) return 'the username and the client id differ';
  if (!new URLSearchParams(query).get('api-version')) return 'the username has no api-version';
  if (!identity) return 'the device is not registered';
  if (identity.status !== 'enabled') return 'the device is disabled';
  if (identity.authentication.type !== 'selfSigned')
    return `authentication by ${identity.authentication.type} is not supported here`;
  if (!certificate) return 'the device shows no certificate';
  if (!matches(identity, certificate)) return 'the certificate is not the registered one';
  if (now < certificate.validFromDate.getTime()) return 'the certificate is not valid yet';
  if (now > certificate.validToDate.getTime()) return 'the certificate has expired';
  return undefined;
}

/** Either thumbprint of the pair may match. The length tells SHA-1 from SHA-256. */
function matches({ authentication }: StoredIdentity, { raw }: X509Certificate): boolean {
  const { primaryThumbprint, secondaryThumbprint } = authentication.x509Thumbprint;
  return [primaryThumbprint, secondaryThumbprint].some((thumbprint) => {
    if (!thumbprint) return false;
    const hash = createHash(thumbprint.length === 40 ? 'sha1' : 'sha256').update(raw);
    return hash.digest('hex') === thumbprint.toLowerCase();
  });
}
