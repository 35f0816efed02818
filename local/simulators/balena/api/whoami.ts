import type { DatabaseSync } from 'node:sqlite';
import type { Viewer } from '../data/visible.js';

const columns: Record<Viewer['actorType'], string> = {
  user: 'username, email',
  application: 'slug',
  device: 'uuid',
};

/** What `GET /actor/v1/whoami` answers: whose key this is. */
export function whoami(db: DatabaseSync, { actor, actorType, id }: Viewer) {
  const row = db.prepare(`SELECT ${columns[actorType]} FROM ${actorType} WHERE id = ?`).get(id);
  return { id: actor, actorType, actorTypeId: id, ...row };
}
