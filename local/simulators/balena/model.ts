/** The type of a property. Dates are ISO 8601 text. */
export type FieldType = 'integer' | 'text' | 'boolean' | 'date';

/** A resource of the balena API, version 7, with the simulated properties. */
export interface Resource {
  fields: Record<string, FieldType>;
  /** Properties with a link to one row of another resource. */
  links: Record<string, string>;
  /** Properties with a list of rows: all rows of another resource whose link `by` points to this row. */
  lists: Record<string, { resource: string; by: string }>;
  /** Natural keys. */
  unique: string[][];
}

const created = { id: 'integer', created_at: 'date' } as const;

/**
 * The resources. The names are the names of balena's own model (`balena-sdk`, `types/v7.d.ts`). Properties without an
 * entry here are unknown: code can then not depend on a property that would always be empty.
 */
export const model: Record<string, Resource> = {
  actor: { fields: { id: 'integer' }, links: {}, lists: {}, unique: [] },
  user: {
    fields: { ...created, username: 'text', email: 'text' },
    links: { actor: 'actor' },
    lists: {},
    unique: [['username']],
  },
  organization: {
    fields: { ...created, name: 'text', handle: 'text' },
    links: {},
    lists: { application: { resource: 'application', by: 'organization' } },
    unique: [['handle']],
  },
  cpu_architecture: { fields: { id: 'integer', slug: 'text' }, links: {}, lists: {}, unique: [['slug']] },
  device_type: {
    fields: { id: 'integer', slug: 'text', name: 'text' },
    links: { is_of__cpu_architecture: 'cpu_architecture' },
    lists: {
      device_type_alias: { resource: 'device_type_alias', by: 'references__device_type' },
      describes__device: { resource: 'device', by: 'is_of__device_type' },
    },
    unique: [['slug']],
  },
  device_type_alias: {
    fields: { id: 'integer', is_referenced_by__alias: 'text' },
    links: { references__device_type: 'device_type' },
    lists: {},
    unique: [['is_referenced_by__alias']],
  },
  application: {
    fields: {
      ...created,
      app_name: 'text',
      slug: 'text',
      uuid: 'text',
      is_of__class: 'text',
      is_host: 'boolean',
      is_archived: 'boolean',
      is_public: 'boolean',
      should_track_latest_release: 'boolean',
    },
    links: {
      actor: 'actor',
      organization: 'organization',
      is_for__device_type: 'device_type',
      should_be_running__release: 'release',
    },
    lists: {
      owns__device: { resource: 'device', by: 'belongs_to__application' },
      service: { resource: 'service', by: 'application' },
      owns__release: { resource: 'release', by: 'belongs_to__application' },
    },
    unique: [['slug'], ['uuid']],
  },
  release: {
    fields: { ...created, raw_version: 'text', status: 'text' },
    links: { belongs_to__application: 'application' },
    lists: {},
    unique: [],
  },
  service: {
    fields: { ...created, service_name: 'text' },
    links: { application: 'application' },
    lists: { service_install: { resource: 'service_install', by: 'installs__service' } },
    unique: [['application', 'service_name']],
  },
  device: {
    fields: {
      ...created,
      modified_at: 'date',
      uuid: 'text',
      device_name: 'text',
      note: 'text',
      is_online: 'boolean',
      is_connected_to_vpn: 'boolean',
      is_web_accessible: 'boolean',
      is_active: 'boolean',
      is_frozen: 'boolean',
      api_heartbeat_state: 'text',
      os_version: 'text',
      os_variant: 'text',
      supervisor_version: 'text',
      mac_address: 'text',
    },
    links: {
      actor: 'actor',
      belongs_to__user: 'user',
      belongs_to__application: 'application',
      is_of__device_type: 'device_type',
      // The target releases of the device: of the fleet (null: the fleet's own target), the host OS and the supervisor.
      is_pinned_on__release: 'release',
      should_be_operated_by__release: 'release',
      should_be_managed_by__release: 'release',
    },
    lists: {
      service_install: { resource: 'service_install', by: 'device' },
      device_environment_variable: { resource: 'device_environment_variable', by: 'device' },
    },
    unique: [['uuid']],
  },
  service_install: {
    fields: created,
    links: { device: 'device', installs__service: 'service' },
    lists: {
      device_service_environment_variable: {
        resource: 'device_service_environment_variable',
        by: 'service_install',
      },
    },
    unique: [['device', 'installs__service']],
  },
  device_environment_variable: {
    fields: { ...created, name: 'text', value: 'text' },
    links: { device: 'device' },
    lists: {},
    unique: [['device', 'name']],
  },
  device_service_environment_variable: {
    fields: { ...created, name: 'text', value: 'text' },
    links: { service_install: 'service_install' },
    lists: {},
    unique: [['service_install', 'name']],
  },
};
