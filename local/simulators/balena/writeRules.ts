import { RequestError } from './requestError.js';

/** The properties of a resource that OData requests can write. */
export interface Writable {
  /** Properties of a POST, all required. Without this list, POST is refused. */
  create?: string[];
  /** Properties allowed in a PATCH. */
  update: string[];
  canDelete: boolean;
  /** The link to the parent row. A viewer can write only below a parent that the viewer may write. */
  parent?: string;
  /** @throws RequestError 400 */
  check?(values: Record<string, unknown>, resource: string): void;
}

const variable = { update: ['name', 'value'], canDelete: true, check: checkVariable };

/** Devices are created through `/device/register`, and fleets through `createFleet`. */
export const writable: Record<string, Writable> = {
  device_environment_variable: { ...variable, create: ['device', 'name', 'value'], parent: 'device' },
  device_service_environment_variable: {
    ...variable,
    create: ['service_install', 'name', 'value'],
    parent: 'service_install',
  },
  device: {
    update: [
      'device_name',
      'note',
      'is_active',
      'is_web_accessible',
      'belongs_to__application',
      'is_pinned_on__release',
      'os_version',
      'os_variant',
      'supervisor_version',
    ],
    canDelete: true,
  },
  application: { update: ['app_name'], canDelete: false, check: checkFleet },
};

const reservedNames = ['RESIN', 'BALENA', 'USER'];
const reservedPrefixes = ['RESIN_', 'BALENA_'];

/** Length in characters, not bytes. */
const longestName = 255;
const longestValue = 100_000;

/** @throws RequestError 400 with balena's own words, for a name or value that balena refuses */
function checkVariable({ name, value }: Record<string, unknown>, resource: string): void {
  if (typeof name === 'string') checkName(name);
  if (typeof value === 'string') checkValue(value, resource);
}

function checkFleet({ app_name }: Record<string, unknown>): void {
  if (!/^[a-zA-Z0-9_-]{4,100}$/.test(String(app_name)))
    throw new RequestError(400, 'App name may only contain [a-zA-Z0-9_-].');
}

function checkName(name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new RequestError(
      400,
      'Environment variable names can only contain alphanumeric characters and underscores.',
    );
  }
  if (reservedNames.includes(name)) {
    throw new RequestError(400, `Environment variables ${reservedNames.join(', ')} are reserved`);
  }
  if (reservedPrefixes.some((prefix) => name.startsWith(prefix))) {
    throw new RequestError(
      400,
      `Environment variables beginning with ${reservedPrefixes.join(', ')} are reserved.`,
    );
  }
  if (name.length > longestName) throw new RequestError(400);
}

function checkValue(value: string, resource: string): void {
  if (/[\r\n]/.test(value))
    throw new RequestError(400, 'Variable values cannot contain line break characters');
  if (value.length > longestValue) {
    throw new RequestError(
      400,
      `It is necessary that each ${resource.replaceAll('_', ' ')} has a value that has a Length (Type) that is less than or equal to ${longestValue}.`,
    );
  }
}
