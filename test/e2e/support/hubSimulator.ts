import type { Telemetry } from '../../../local/simulators/iothub/deviceMessages.js';
import type { IotHubEndpoints } from '../../../local/simulators/iothub/startIotHub.js';
import { openRegistry } from '../../integration/local/iothub/hubClients.js';
import { type SimulatorControl, simulatorControl } from './simulatorControl.js';

/** The simulator of the hub, and its registry through the unmodified SDK `azure-iothub`. */
export interface HubSimulator extends SimulatorControl {
  telemetry(uuid: string): Promise<Telemetry[]>;
  /** The thumbprints of an identity; null if the hub has none. Counts as a registry operation. */
  thumbprints(uuid: string): Promise<string[] | null>;
  /** Registers an identity past the product. @param second of the other slot; default: the same */
  register(uuid: string, thumbprint: string, second?: string): Promise<void>;
  /** Removes an identity without the product. */
  unregister(uuid: string): Promise<void>;
  close(): void;
}

export function hubSimulator(endpoints: IotHubEndpoints): HubSimulator {
  const control = simulatorControl(endpoints.controlUrl);
  const { registry, close } = openRegistry(endpoints);
  return {
    ...control,
    close,
    telemetry: (uuid) => control.tell(`GET /telemetry?device=${uuid}`),
    async thumbprints(uuid) {
      try {
        const { responseBody } = await registry.get(uuid);
        const { primaryThumbprint, secondaryThumbprint } = responseBody.authentication?.x509Thumbprint ?? {};
        return [primaryThumbprint ?? '', secondaryThumbprint ?? ''];
      } catch (error) {
        if ((error as { response?: { statusCode?: number } }).response?.statusCode === 404) return null;
        throw error;
      }
    },
    async register(uuid, thumbprint, second = thumbprint) {
      const x509Thumbprint = { primaryThumbprint: thumbprint, secondaryThumbprint: second };
      await registry.create({
        deviceId: uuid,
        status: 'enabled',
        authentication: { type: 'selfSigned', x509Thumbprint },
      });
    },
    async unregister(uuid) {
      await registry.delete(uuid);
    },
  };
}
