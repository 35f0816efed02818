import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../shared/loopback.js';

/** The times of a timer, as in the file of the real host. */
export interface TimerStatus {
  last: Date | null;
  next: Date | null;
}

/** The stored status of one timer, and the lock under which only one host runs the timer. */
export interface TimerStore {
  /** @returns false if another host holds the lock */
  lock(): Promise<boolean>;
  unlock(): Promise<void>;
  /** Null if the timer never ran. */
  read(): Promise<TimerStatus | null>;
  write(status: TimerStatus): Promise<void>;
}

/**
 * The real host has a lease on a blob, and the status in another blob. The local host has two files in a folder that all
 * hosts share. The lock file names the process that holds the lock. A lock of a process that has ended is free.
 */
export function openTimerStore(folder: string, name: string): TimerStore {
  const lockFile = join(folder, `${name}.lock`);
  const statusFile = join(folder, `${name}.json`);
  return {
    async lock() {
      await mkdir(folder, { recursive: true });
      if (await take(lockFile)) return true;
      const holder = Number(await readFile(lockFile, 'utf8').catch(() => ''));
      if (holder > 0 && isAlive(holder)) return holder === process.pid;
      await rm(lockFile, { force: true });
      return take(lockFile);
    },
    unlock: () => rm(lockFile, { force: true }),
    async read() {
      try {
        const { Last, Next } = JSON.parse(await readFile(statusFile, 'utf8'));
        return { last: Last ? new Date(Last) : null, next: Next ? new Date(Next) : null };
      } catch {
        return null;
      }
    },
    write: ({ last, next }) => writeWhole(statusFile, JSON.stringify({ Last: last, Next: next }), 0o600),
  };
}

/** A timer of a host without a folder for state: always its own, and without a past. */
export const noTimerStore: TimerStore = {
  lock: async () => true,
  unlock: async () => {},
  read: async () => null,
  write: async () => {},
};

/** Makes the file with this process's id, in one step. @returns false if the file exists */
async function take(file: string): Promise<boolean> {
  const own = `${file}.${process.pid}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
