import { getSdk } from 'balena-sdk';

export interface DeviceVariables {
  AZURE_CERT?: string;
  AZURE_PRIVATE_KEY?: string;
}

interface Row {
  name: keyof DeviceVariables;
  value: string;
}

interface DeviceRow {
  belongs_to__application: { __id: number };
  device_environment_variable: Row[];
  service_install: {
    installs__service: { service_name: string; application: { __id: number } }[];
    device_service_environment_variable: Row[];
  }[];
}

export interface BalenaAccess {
  apiUrl: string;
  apiKey: string;
}

/**
 * Reads the variables that the supervisor would put into the environment of a device's container: the variables of the
 * device, overlaid by the variables of the service. Only a service of the device's fleet counts: the host OS can have a
 * service with the same name.
 *
 * @param service '' for the device level only
 * @throws Error if balena does not know the device
 */
export async function readVariables(
  { apiUrl, apiKey }: BalenaAccess,
  uuid: string,
  service: string,
): Promise<DeviceVariables> {
  const sdk = getSdk({ apiUrl, dataDirectory: false });
  await sdk.auth.loginWithToken(apiKey);
  const rows = await sdk.pine.get({
    resource: 'device',
    options: {
      $select: ['belongs_to__application'],
      $filter: { uuid },
      $expand: {
        device_environment_variable: { $select: ['name', 'value'] },
        service_install: {
          $select: ['id'],
          $expand: {
            installs__service: { $select: ['service_name', 'application'] },
            device_service_environment_variable: { $select: ['name', 'value'] },
          },
        },
      },
    },
  } as never);
  const device = (rows as unknown as DeviceRow[])[0];
  if (!device) throw new Error(`balena knows no device ${uuid}`);
  const installed = device.service_install.find(
    ({ installs__service: [installed] }) =>
      installed?.service_name === service &&
      installed.application.__id === device.belongs_to__application.__id,
  );
  const all = [
    ...device.device_environment_variable,
    ...(installed?.device_service_environment_variable ?? []),
  ];
  return Object.fromEntries(all.map(({ name, value }) => [name, value]));
}
