import { RequestError } from './requestError.js';

/** The owner of the request's API key. A guest has no key. */
export type Viewer =
  | { actorType: 'user'; actor: number; id: number; rights?: Rights }
  | { actorType: 'application'; actor: number; id: number }
  | { actorType: 'device'; actor: number; id: number; application: number }
  | { actorType: 'guest'; actor: 0; id: 0 };

/** The fleets (ids) of a key with conditional rights. */
export interface Rights {
  read: number[];
  write: number[];
}

/** The purpose of a request. */
export type Access = 'read' | 'write';

const publicApps = 'SELECT id FROM application WHERE is_public';

/** Device types can be read by everybody. */
const forEverybody = ['cpu_architecture', 'device_type', 'device_type_alias'];

/**
 * The SQL condition for the rows that a viewer may read or write. A viewer may add rows below the rows that the viewer
 * may write.
 *
 * | viewer | sees |
 * |---|---|
 * | user | everything |
 * | user whose key has conditional rights | the fleets of these rights, with their devices; public applications |
 * | device | the device itself and its variables; the device's fleet; public applications |
 * | application (a provisioning key) | nothing: the key can only register devices |
 * | guest | public applications, without devices |
 *
 * @param row name of the row in the statement
 * @throws RequestError 401 for a resource without any visible row
 */
export function visible(viewer: Viewer, resource: string, row: string, access: Access = 'read'): string {
  const rights = rightsOf(viewer, resource, row, access);
  // An install of the future is a late install: balena has not created the install yet.
  if (resource !== 'service_install') return rights;
  return `${row}.created_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND ${rights}`;
}

function rightsOf(viewer: Viewer, resource: string, row: string, access: Access): string {
  switch (viewer.actorType) {
    case 'user':
      return viewer.rights ? fleetRights(viewer.rights, resource, row, access) : 'TRUE';
    case 'device':
      return deviceRights(viewer, resource, row, access);
    case 'guest':
      if (access === 'write') throw new RequestError(401);
      if (forEverybody.includes(resource)) return 'TRUE';
      return applicationRights(publicApps, resource, row) ?? hidden();
    case 'application':
      return hidden();
  }
}

function fleetRights(rights: Rights, resource: string, row: string, access: Access): string {
  const fleets = rights[access].join(', ');
  const devices = `SELECT id FROM device WHERE belongs_to__application IN (${fleets})`;
  const apps = access === 'read' ? `${publicApps} OR id IN (${fleets})` : fleets;
  return (
    applicationRights(apps, resource, row) ??
    deviceRowRights(devices, resource, row) ??
    (access === 'read' ? 'TRUE' : 'FALSE')
  );
}

function deviceRights(
  { id, application }: Extract<Viewer, { actorType: 'device' }>,
  resource: string,
  row: string,
  access: Access,
): string {
  if (resource === 'device_type')
    return `${row}.id = (SELECT is_of__device_type FROM device WHERE id = ${id})`;
  const apps = `${publicApps} OR id = ${application}`;
  return (
    deviceRowRights(String(id), resource, row) ??
    (access === 'read' ? applicationRights(apps, resource, row) : undefined) ??
    hidden()
  );
}

/** @param apps ids or a statement for ids */
function applicationRights(apps: string, resource: string, row: string): string | undefined {
  const links: Record<string, string> = {
    application: 'id',
    service: 'application',
    release: 'belongs_to__application',
  };
  const link = links[resource];
  return link && `${row}.${link} IN (${apps})`;
}

/** @param devices ids or a statement for ids */
function deviceRowRights(devices: string, resource: string, row: string): string | undefined {
  switch (resource) {
    case 'device':
      return `${row}.id IN (${devices})`;
    case 'device_environment_variable':
    case 'service_install':
      return `${row}.device IN (${devices})`;
    case 'device_service_environment_variable':
      return `${row}.service_install IN (SELECT id FROM service_install WHERE device IN (${devices}))`;
    default:
      return undefined;
  }
}

function hidden(): never {
  throw new RequestError(401);
}
