import { ConfigError, type ConfigFor, readConfigFor } from './config.js';

const names = [
  'SERVICEBUS_CONNECTION',
  'SERVICEBUS_CONNECTION__fullyQualifiedNamespace',
  'PROVISIONING_QUEUE',
];

/**
 * Reads the settings of the queue alone. While another setting is wrong, the worker still receives messages, and has to put them off.
 *
 * @returns null if these settings are missing or wrong. The host cannot receive then, either
 */
export function readQueueConfig(env: Record<string, string | undefined>): ConfigFor<'queue'>['queue'] | null {
  try {
    return readConfigFor(['queue'], Object.fromEntries(names.map((name) => [name, env[name]]))).queue;
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
