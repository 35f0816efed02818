import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './database.js';
import type { Rights } from './visible.js';

/** The conditional rights of a key; undefined for a key with all rights. */
export function readRights(db: DatabaseSync, key: string): Rights | undefined {
  if (!db.prepare('SELECT 1 FROM limited_key WHERE key = ?').get(key)) return undefined;
  const rows = db.prepare('SELECT application, may_write FROM key_right WHERE key = ?').all(key);
  return {
    read: rows.map(({ application }) => Number(application)),
    write: rows.filter(({ may_write }) => may_write === 1).map(({ application }) => Number(application)),
  };
}

/** Replaces the rights of a key. @param rights null for all rights */
export function setRights(db: DatabaseSync, key: string, rights: Rights | null): void {
  transaction(db, () => {
    for (const table of ['key_right', 'limited_key'])
      db.prepare(`DELETE FROM ${table} WHERE key = ?`).run(key);
    if (!rights) return;
    db.prepare('INSERT INTO limited_key (key) VALUES (?)').run(key);
    const add = db.prepare('INSERT INTO key_right (key, application, may_write) VALUES (?, ?, ?)');
    for (const application of new Set(rights.read))
      add.run(key, application, rights.write.includes(application) ? 1 : 0);
  });
}
