import type { DatabaseSync } from 'node:sqlite';
import type { ReceivedRequest } from '../../faults/asked.js';
import type { Viewer } from '../data/visible.js';
import { PlainTextError } from '../refusal.js';

/**
 * Who is asking, by the API key in `Authorization: Bearer …` or `?apikey=…`.
 *
 * @throws Refusal 401 without a key, and for a key that is wrong, has expired, or was of a device that is gone
 */
export function findViewer(db: DatabaseSync, { headers, query }: ReceivedRequest): Viewer {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = bearer ?? query.get('apikey');
  const row = key ? db.prepare('SELECT actor, expiry_date FROM api_key WHERE key = ?').get(key) : undefined;
  const expired = row?.expiry_date && Date.parse(String(row.expiry_date)) <= Date.now();
  const viewer = row && !expired ? ownerOf(db, Number(row.actor)) : undefined;
  if (!viewer) throw new PlainTextError(401, 'Unauthorized');
  return viewer;
}

function ownerOf(db: DatabaseSync, actor: number): Viewer | undefined {
  const user = db.prepare('SELECT id FROM user WHERE actor = ?').get(actor);
  if (user) return { actorType: 'user', actor, id: Number(user.id) };
  const application = db.prepare('SELECT id FROM application WHERE actor = ?').get(actor);
  if (application) return { actorType: 'application', actor, id: Number(application.id) };
  const device = db.prepare('SELECT id, belongs_to__application FROM device WHERE actor = ?').get(actor);
  if (!device) return undefined;
  return {
    actorType: 'device',
    actor,
    id: Number(device.id),
    application: Number(device.belongs_to__application),
  };
}
