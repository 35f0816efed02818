import { RequestError } from '../refusal.js';

/** Who is asking: the owner of the API key. */
export type Viewer =
  | { actorType: 'user'; actor: number; id: number }
  | { actorType: 'application'; actor: number; id: number }
  | { actorType: 'device'; actor: number; id: number; application: number };

/**
 * The SQL condition for the rows that a viewer may see, and, for its own variables, write.
 * A user sees everything; a device itself, its variables, and its fleet; a provisioning key can register devices, and sees nothing.
 *
 * @param row name of the row in the statement
 * @throws Refusal 401 for a resource of which the viewer may see nothing at all
 */
export function visible(viewer: Viewer, resource: string, row: string): string {
  if (viewer.actorType === 'user') return 'TRUE';
  if (viewer.actorType === 'application') throw new RequestError(401);
  const { id, application } = viewer;
  switch (resource) {
    case 'device':
      return `${row}.id = ${id}`;
    case 'device_environment_variable':
    case 'service_install':
      return `${row}.device = ${id}`;
    case 'device_service_environment_variable':
      return `${row}.service_install IN (SELECT id FROM service_install WHERE device = ${id})`;
    case 'application':
      return `${row}.id = ${application}`;
    case 'service':
      return `${row}.application = ${application}`;
    case 'device_type':
      return `${row}.id = (SELECT is_of__device_type FROM device WHERE id = ${id})`;
    default:
      throw new RequestError(401);
  }
}
