import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { IotHubEndpoints } from '../../../../local/simulators/iothub/startIotHub.js';

/** An MQTT 3.1.1 client for packets beyond the SDK's abilities. */
export interface MqttSocket {
  send(packet: Buffer): void;
  /** All bytes until the hub closes the connection. */
  untilClosed: Promise<Buffer>;
  /** The next bytes. */
  next(): Promise<Buffer>;
  close(): void;
}

/** @param credentials undefined: a TLS client without a certificate */
export async function mqttSocket(
  { mqttPort, caFile }: IotHubEndpoints,
  credentials?: { key: string; cert: string },
): Promise<MqttSocket> {
  const socket = connect({ host: 'localhost', port: mqttPort, ca: readFileSync(caFile), ...credentials });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {}); // A connection that is cut is closed, too.
  const untilClosed = new Promise<Buffer>((resolve) => {
    socket.once('close', () => resolve(Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
  return {
    send: (packet) => void socket.write(packet),
    untilClosed,
    next: () => new Promise((resolve) => socket.once('data', resolve)),
    close: () => void socket.destroy(),
  };
}

/** @param version of the protocol: 4 is MQTT 3.1.1 */
export function connectPacket(clientId: string, username: string, version = 4, will?: Will): Buffer {
  const cleanSessionAndUsername = 0x82;
  const willWithQos1 = 0x0c;
  const keepAliveSeconds = [0, 60];
  const flags = cleanSessionAndUsername | (will ? willWithQos1 : 0);
  const willFields = will ? [text(will.topic), text(will.payload)] : [];
  const header = Buffer.from([version, flags, ...keepAliveSeconds]);
  return packet(0x10, text('MQTT'), header, text(clientId), ...willFields, text(username));
}

/** The message that the hub publishes when the connection breaks. */
export interface Will {
  topic: string;
  payload: string;
}

export function publishPacket(topic: string, payload: string, qos: 0 | 1 | 2 = 1, retain = false): Buffer {
  const id = Buffer.from(qos === 0 ? [] : [0, 1]);
  return packet(0x30 | (qos << 1) | Number(retain), text(topic), id, Buffer.from(payload));
}

export const subscribePacket = (topic: string, qos: 0 | 1 | 2 = 0) =>
  packet(0x82, Buffer.from([0, 1]), text(topic), Buffer.from([qos]));

function packet(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = body.length; left > 0 || length.length === 0; left >>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
