import { BadRequest, type Control, startControl } from '../shared/startControl.js';
import type { Drain } from './drain.js';
import { type HostFaults, hostFaults } from './hostFaults.js';
import type { Workers } from './startWorkers.js';

/**
 * Starts the control server of the host. It has the routes of `startControl`, and:
 *
 * | request | |
 * |---|---|
 * | `GET /worker` | `{pid}` of the worker process; null while there is none |
 * | `POST /worker/kill` | ends the worker process like a crash (SIGKILL) |
 * | `POST /drain` | as `POST /admin/host/drain`, also for a host without HTTP functions |
 * | `GET /drain` | the state of the drain |
 * | `PUT /host-faults` | the faults of the host, see `hostFaults` |
 */
export function startHostControl({
  workers,
  drain,
  faults,
}: {
  workers: Workers;
  drain: Drain;
  faults: HostFaults;
}): Promise<Control> {
  return startControl({
    routes: {
      'GET /worker': () => ({ pid: workers.pid() }),
      'POST /worker/kill': () => {
        const pid = workers.pid();
        if (pid === null) throw new BadRequest('there is no worker process now');
        process.kill(pid, 'SIGKILL');
        return { pid };
      },
      'POST /drain': () => drain.start(),
      'GET /drain': () => drain.status(),
      'PUT /host-faults': ({ body }) => Object.assign(faults, hostFaults.parse(body)),
    },
  });
}
