import { createServer } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { applyFaults } from '../shared/applyFaults.js';
import { listen } from '../shared/loopback.js';
import type { Simulator } from '../shared/runSimulator.js';
import { startControl } from '../shared/startControl.js';
import { addDevices, firstReport } from './addDevices.js';
import { addBasics, addFleet, firstKey } from './addRows.js';
import { controlRoutes } from './controlRoutes.js';
import { createHandle, createThrottle, patternOf } from './createHandle.js';
import { openDatabase, transaction } from './database.js';
import { subjectsOf } from './subjects.js';

export interface BalenaOptions {
  /** Default: any free port. */
  port?: number;
  /** Take a free port instead of failing when the port is in use. */
  orFreePort?: boolean;
  /** Folder of the database. Default: in memory only. */
  folder?: string;
  /** Slug of the fleet that exists from the start. Default `local/demo`. */
  fleet?: string;
  /** Names of that fleet's services. Default `cloud-relay` and `main`. */
  services?: string[];
  /** Least number of devices in the fleet. Default 1. */
  devices?: number;
  /**
   * Whether the devices that this simulator adds have reported their OS, as a running device has: the devices then have
   * installs of the host OS and of the supervisor. Default true.
   */
  reported?: boolean;
  /** Called with a line of text for each written row. The line never holds a value or a key. */
  onEvent?(line: string): void;
}

/** Addresses and keys of the running simulator. */
export interface BalenaEndpoints {
  /** With a slash at the end. */
  apiUrl: string;
  /** The API key of a user, who sees everything. */
  apiKey: string;
  /** The control server (see controlRoutes.ts). */
  controlUrl: string;
  fleet: string;
  services: string[];
  /** The oldest devices of the fleet, as many as the option `devices` says, each with an API key. */
  devices: Array<{ uuid: string; apiKey: string }>;
}

/**
 * Starts the simulated part of the balena API: everything that the unmodified balena-sdk needs for devices and
 * variables.
 */
export async function startBalena(options: BalenaOptions = {}): Promise<Simulator<BalenaEndpoints>> {
  const { port = 0, orFreePort = false, folder, fleet = 'local/demo', onEvent = () => {} } = options;
  const { services = ['cloud-relay', 'main'], devices: count = 1, reported = true } = options;
  if (!/^[a-z0-9_-]+\/[a-z0-9_-]+$/.test(fleet)) {
    throw new Error(`the fleet must be organization/name, lower case, such as local/demo, not ${fleet}`);
  }
  const db = openDatabase(folder);
  const apiKey = addBasics(db);
  const devices = prepareFleet(db, { fleet, services, count, reported });

  const throttle = createThrottle();
  const control = await startControl({ routes: controlRoutes(db, throttle, { fleet, reported }, onEvent) });
  const handle = createHandle({ db, throttle, onEvent });
  const server = createServer(
    applyFaults(control, {
      handle,
      pattern: patternOf,
      subjects: (request) => subjectsOf(db, request),
      onEvent,
    }),
  );
  control.connections.watch(server);
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    control.connections.close();
    server.closeAllConnections();
    await Promise.all([closed, control.close()]);
    db.close();
  };
  try {
    const apiUrl = `http://127.0.0.1:${await listen(server, port, orFreePort)}/`;
    return { endpoints: { apiUrl, apiKey, controlUrl: control.url, fleet, services, devices }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function prepareFleet(
  db: DatabaseSync,
  {
    fleet,
    services,
    count,
    reported,
  }: Required<Omit<BalenaOptions, 'devices' | 'port' | 'orFreePort' | 'folder' | 'onEvent'>> & {
    count: number;
  },
) {
  const details = reported ? firstReport : {};
  return transaction(db, () => {
    const application = addFleet(db, fleet, services);
    const oldest = db.prepare(
      'SELECT uuid, actor FROM device WHERE belongs_to__application = ? ORDER BY id LIMIT ?',
    );
    const missing = count - oldest.all(application, count).length;
    addDevices(
      db,
      Array.from({ length: Math.max(0, missing) }, () => ({ application })),
      details,
    );
    const rows = oldest.all(application, count);
    return rows.map(({ uuid, actor }) => ({ uuid: String(uuid), apiKey: firstKey(db, Number(actor)) }));
  });
}
