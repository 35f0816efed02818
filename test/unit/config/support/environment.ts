import { ConfigError, readConfig } from '../../../../src/config/config.js';

export const hub =
  'HostName=myhub.azure-devices.net;SharedAccessKeyName=registryReadWrite;SharedAccessKey=aGV5';
export const serviceBus =
  'Endpoint=sb://myspace.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=aGV5';
export const storage = 'DefaultEndpointsProtocol=https;AccountName=mystorage;AccountKey=aGV5';
export const webhookSecret = `whsec_${Buffer.alloc(32, 'w').toString('base64')}`;
/** The least environment with which the functions start. */
export const least = {
  BALENA_API_KEY: 'key',
  IOTHUB_CONNECTION_STRING: hub,
  SERVICEBUS_CONNECTION: serviceBus,
  RECORDS_CONNECTION: storage,
};
/** Reads the configuration from `least` and more settings. */
export const read = (more: Record<string, string | undefined> = {}) => readConfig({ ...least, ...more });
/** The problems of an environment, one text each; none for a valid environment. */
export const problemsOf = (env: Record<string, string | undefined>): string[] => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};
