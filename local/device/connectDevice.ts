import deviceSdk from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';

const { Client, Message } = deviceSdk;

export interface DeviceCredentials {
  uuid: string;
  /** PEM */
  cert: string;
  /** PEM */
  key: string;
}

export interface HubAddress {
  hostName: string;
  /** PEM of the certificate to trust, for a simulator. */
  ca?: string;
}

export interface ConnectedDevice {
  send(telemetry: object): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects as a device, with the SDK that devices use, and no retries.
 *
 * @throws Error if the hub does not let it in
 */
export async function connectDevice(
  { uuid, cert, key }: DeviceCredentials,
  { hostName, ca }: HubAddress,
): Promise<ConnectedDevice> {
  const client = Client.fromConnectionString(`HostName=${hostName};DeviceId=${uuid};x509=true`, Mqtt);
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  // To be awaited before open(): otherwise the connection is made without it.
  await client.setOptions({ cert, key, ...(ca && { ca }) });
  client.on('error', () => {});
  await client.open();
  return {
    async send(telemetry) {
      const message = new Message(JSON.stringify(telemetry));
      message.contentType = 'application/json';
      message.contentEncoding = 'utf-8';
      await client.sendEvent(message);
    },
    close: async () => {
      await client.close();
    },
  };
}
