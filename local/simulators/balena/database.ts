import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type FieldType, model, type Resource } from './model.js';

const columnTypes: Record<FieldType, string> = {
  integer: 'INTEGER',
  boolean: 'INTEGER',
  text: 'TEXT',
  date: 'TEXT',
};

/** Tables that are not a resource of the model: clients cannot read them. Keys cannot be read on balena either. */
const hiddenTables = `
  CREATE TABLE IF NOT EXISTS api_key (
    key TEXT PRIMARY KEY,
    actor INTEGER NOT NULL REFERENCES actor ON DELETE CASCADE,
    expiry_date TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS api_key_actor ON api_key (actor);
  CREATE TABLE IF NOT EXISTS key_right (
    key TEXT NOT NULL REFERENCES api_key ON DELETE CASCADE,
    application INTEGER NOT NULL REFERENCES application ON DELETE CASCADE,
    may_write INTEGER NOT NULL,
    PRIMARY KEY (key, application)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS limited_key (key TEXT PRIMARY KEY REFERENCES api_key ON DELETE CASCADE) STRICT;
  CREATE TABLE IF NOT EXISTS release_service (
    release INTEGER NOT NULL REFERENCES release ON DELETE CASCADE,
    service INTEGER NOT NULL REFERENCES service ON DELETE CASCADE,
    PRIMARY KEY (release, service)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS device_actor AFTER DELETE ON device BEGIN
    DELETE FROM actor WHERE id = OLD.actor;
  END;`;

/**
 * Opens the database. A finished statement survives the death of this process, but not always a crash of the machine:
 * SQLite would have to wait for the disk, and each statement would take ten times as long.
 *
 * @param folder of the database file. Default: in memory
 * @throws Error if the folder has the data of another version of this simulator
 */
export function openDatabase(folder?: string): DatabaseSync {
  if (folder) mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(folder ? join(folder, 'balena.db') : ':memory:');
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
  expectPresentSchema(db, folder);
  for (const [name, resource] of Object.entries(model)) db.exec(tableOf(name, resource));
  db.exec(hiddenTables);
  return db;
}

/** Raised with each change of the tables. */
const schemaVersion = 2;

/** @throws Error for a database with other tables: the statements of this version would fail one by one */
function expectPresentSchema(db: DatabaseSync, folder = ''): void {
  const isNew = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table'").get() === undefined;
  const found = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (!isNew && found !== schemaVersion) {
    db.close();
    throw new Error(
      `the data in ${folder} are of another version of this simulator. Delete them (npm start -- --fresh)`,
    );
  }
  db.exec(`PRAGMA user_version = ${schemaVersion};`);
}

/** Deleting a row deletes all rows with a link to the row. Ids are never reused. */
function tableOf(name: string, { fields, links, unique }: Resource): string {
  const columns = Object.entries(fields)
    .filter(([field]) => field !== 'id')
    .map(([field, type]) => `${field} ${columnTypes[type]}`);
  const references = Object.entries(links).map(
    ([link, to]) => `${link} INTEGER REFERENCES ${to} ON DELETE CASCADE`,
  );
  const keys = unique.map((key) => `UNIQUE (${key.join(', ')})`);
  const all = ['id INTEGER PRIMARY KEY AUTOINCREMENT', ...columns, ...references, ...keys];
  const indexes = Object.keys(links).map(
    (link) => `CREATE INDEX IF NOT EXISTS ${name}_${link} ON ${name} (${link});`,
  );
  return `CREATE TABLE IF NOT EXISTS ${name} (${all.join(', ')}) STRICT; ${indexes.join(' ')}`;
}

/** Runs `work` completely or, on an error, not at all. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  if (db.isTransaction) return work();
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** Adds a row; the other columns are null. @returns the row's id */
export function insert(db: DatabaseSync, table: string, row: Record<string, Value> = {}): number {
  const names = Object.keys(row);
  const values =
    names.length === 0
      ? 'DEFAULT VALUES'
      : `(${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
  const given = Object.values(row).map(toColumn);
  return Number(db.prepare(`INSERT INTO ${table} ${values}`).run(...given).lastInsertRowid);
}

export type Value = string | number | boolean | null;

/** SQLite has no booleans. */
export function toColumn(value: Value): string | number | null {
  return typeof value === 'boolean' ? Number(value) : value;
}

/** Whether a statement failed because a row with the same natural key exists. */
export function isDuplicate(error: unknown): boolean {
  const sqliteConstraintUnique = 2067;
  return (
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    error.errcode === sqliteConstraintUnique
  );
}
