import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';

/** `.local/endpoints.json`: how to reach what runs. What is not a simulator, but the real one, is not in it. */
export interface Endpoints {
  /** Those of the functions that are no secrets, and that who works beside them must share. */
  settings: Record<string, string>;
  functions: { url: string; provisionKey: string; deprovisionKey: string; opsKey: string };
  serviceBus?: { connectionString: string; queue: string; caFile?: string };
  tables?: { connectionString: string };
  iotHub?: IotHubEndpoints;
  balena?: BalenaEndpoints;
}
