import { checkVariable } from './checkVariable.js';

/** What can be written of a resource through OData. */
export interface Writable {
  /** Properties of a POST, all required; without it there is no POST. */
  create?: string[];
  /** Properties that a PATCH may have. */
  update: string[];
  canDelete: boolean;
  /** The property that points to the row it belongs to: who may not see that one may not write this one. */
  parent?: string;
  /** @throws Refusal 400 */
  check?(values: Record<string, unknown>): void;
}

const variable = { update: ['name', 'value'], canDelete: true, check: checkVariable };

/** Devices are created through `/device/register`, fleets through a POST of its own (createFleet.ts). */
export const writable: Record<string, Writable> = {
  device_environment_variable: { ...variable, create: ['device', 'name', 'value'], parent: 'device' },
  device_service_environment_variable: {
    ...variable,
    create: ['service_install', 'name', 'value'],
    parent: 'service_install',
  },
  device: { update: ['device_name', 'note', 'is_active', 'is_web_accessible'], canDelete: true },
};
