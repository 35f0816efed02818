import type { Telemetry } from '../../../local/simulators/iothub/deviceMessages.js';
import type { IotHubEndpoints } from '../../../local/simulators/iothub/startIotHub.js';
import { openRegistry } from '../../integration/local/iothub/hubClients.js';
import { type SimulatorControl, simulatorControl } from './simulatorControl.js';

/** The properties of an identity that are not the product's. */
export interface ForeignProperties {
  status?: 'enabled' | 'disabled';
  statusReason?: string;
  capabilities?: { iotEdge?: boolean };
  deviceScope?: string;
}

/** The simulator of the hub, and its registry through the unmodified SDK `azure-iothub`. */
export interface HubSimulator extends SimulatorControl {
  telemetry(uuid: string): Promise<Telemetry[]>;
  /** The thumbprints of an identity; null if the hub has none. Counts as a registry operation. */
  thumbprints(uuid: string): Promise<string[] | null>;
  /** Registers an identity past the product. @param second of the other slot; default: the same */
  register(uuid: string, thumbprint: string, second?: string): Promise<void>;
  /** Changes properties of an identity past the product, for example its status. The other properties stay. */
  change(uuid: string, properties: ForeignProperties): Promise<void>;
  /** Changes the tags of the twin. */
  tag(uuid: string, tags: Record<string, unknown>): Promise<void>;
  /** The properties beside the authentication, and the tags of the twin. Counts as a registry operation. */
  foreign(uuid: string): Promise<ForeignProperties & { tags: unknown }>;
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
    async change(uuid, properties) {
      const { responseBody } = await registry.get(uuid);
      await registry.update({ ...responseBody, ...properties });
    },
    async tag(uuid, tags) {
      await registry.updateTwin(uuid, { tags }, '*');
    },
    async foreign(uuid) {
      const { responseBody } = await registry.get(uuid);
      const { status, statusReason, capabilities, deviceScope } = responseBody as ForeignProperties;
      const { tags } = (await registry.getTwin(uuid)).responseBody;
      return { status, statusReason, capabilities, deviceScope, tags };
    },
    async unregister(uuid) {
      await registry.delete(uuid);
    },
  };
}
