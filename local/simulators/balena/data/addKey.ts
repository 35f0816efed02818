import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** Gives an actor (a user, fleet or device) one more API key: 32 characters, as balena's. @returns the key */
export function addKey(
  db: DatabaseSync,
  actor: number,
  expiryDate: string | null = null,
  key = newKey(),
): string {
  db.prepare('INSERT INTO api_key (key, actor, expiry_date) VALUES (?, ?, ?)').run(key, actor, expiryDate);
  return key;
}

/** The oldest key of an actor. */
export function firstKey(db: DatabaseSync, actor: number): string {
  const row = db.prepare('SELECT key FROM api_key WHERE actor = ? ORDER BY rowid LIMIT 1').get(actor);
  return row ? String(row.key) : addKey(db, actor);
}

function newKey(): string {
  return randomBytes(16).toString('hex');
}
