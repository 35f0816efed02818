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
  /** PEM of the certificate to trust. Only a simulator needs this. */
  ca?: string;
}

export interface ConnectedDevice {
  send(telemetry: object): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects as a device, with the SDK for devices and without retries.
 *
 * @throws Error if the hub refuses the connection
 */
export async function connectDevice(
  { uuid, cert, key }: DeviceCredentials,
  { hostName, ca }: HubAddress,
): Promise<ConnectedDevice> {
  const client = Client.fromConnectionString(`HostName=${hostName};DeviceId=${uuid};x509=true`, Mqtt);
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => -1 });
  // Await setOptions before open(): otherwise open() connects without the certificate.
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
