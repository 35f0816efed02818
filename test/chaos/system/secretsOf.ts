import type { Endpoints } from '../../../local/stack/Endpoints.js';

/** All secrets of a system, by name. */
export function secretsOf({
  functions,
  balena,
  iotHub,
  serviceBus,
  tables,
}: Endpoints): Record<string, string> {
  return {
    'the balena API key': balena?.apiKey ?? '',
    "the hub's key": part(iotHub?.connectionString, 'SharedAccessKey'),
    "the queue's key": part(serviceBus?.connectionString, 'SharedAccessKey'),
    "the tables' key": part(tables?.connectionString, 'AccountKey'),
    'the key of the function provision': functions.provisionKey,
    'the key of the function deprovision': functions.deprovisionKey,
    'the key of the function health': functions.opsKey,
  };
}

function part(connectionString = '', name: string): string {
  return new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? '';
}
