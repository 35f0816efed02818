import type { PublishPacket } from 'aedes';
import type { Telemetry } from './createTelemetryLog.js';
import type { Twins } from './createTwins.js';
import { eventsTopic, readTelemetry } from './readTelemetry.js';

/** Largest device-to-cloud message, bytes (Microsoft: "IoT Hub quotas and throttling"). */
const maxMessageBytes = 256 * 1024;

/** What every device may subscribe to. */
const subscribable = /^\$iothub\/(twin\/(res|PATCH\/properties\/desired)|methods\/POST)\/#$/;

/** Thrown for a message that a device may not send; the hub answers by closing the connection. */
export class ForbiddenMessage extends Error {}

/**
 * Does what a device's message asks for: keeps telemetry, answers twin requests, ignores the results of methods (nobody calls any).
 *
 * @returns the answer to publish to the device, if there is one
 * @throws ForbiddenMessage
 */
export function receiveMessage(
  device: string,
  { topic, qos, payload }: PublishPacket,
  { twins, onTelemetry }: { twins: Twins; onTelemetry(telemetry: Telemetry): void },
): PublishPacket | undefined {
  const bytes = Buffer.from(payload);
  if (qos === 2) throw new ForbiddenMessage('QoS 2 is not supported');
  if (bytes.length > maxMessageBytes) throw new ForbiddenMessage('a message is larger than 256 KiB');
  if (topic.startsWith(eventsTopic(device))) {
    onTelemetry(readTelemetry(device, topic, bytes));
    return undefined;
  }
  const answer = twins.answer(device, topic, bytes);
  if (!answer && !topic.startsWith('$iothub/methods/res/')) {
    throw new ForbiddenMessage(`it may not publish to ${topic}`);
  }
  return answer;
}

/** Its own messages, and the hub's answers. */
export const maySubscribe = (device: string, topic: string) =>
  topic === `devices/${device}/messages/devicebound/#` || subscribable.test(topic);
