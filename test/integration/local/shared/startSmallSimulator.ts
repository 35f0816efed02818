import { createServer } from 'node:http';
import { applyFaults } from '../../../../local/simulators/shared/applyFaults.js';
import { listen } from '../../../../local/simulators/shared/loopback.js';
import type { Handle } from '../../../../local/simulators/shared/requests.js';
import { type ControlOptions, startControl } from '../../../../local/simulators/shared/startControl.js';
import { callControl } from './callControl.js';

/** Starts a small simulator with a control server, and offers the two calls of the tests. */
export async function startSmallSimulator(
  handle: Handle,
  options: ControlOptions = {},
  maxBodyBytes?: number,
) {
  const control = await startControl(options);
  const events: string[] = [];
  const pattern = ({ path }: { path: string }) => path.replace(/[0-9]+/, '{id}');
  const onEvent = (line: string) => events.push(line);
  const server = createServer(applyFaults(control, { handle, pattern, maxBodyBytes, onEvent }));
  const url = `http://127.0.0.1:${await listen(server, 0)}`;
  return {
    control,
    server,
    events,
    url,
    /** Calls the control server; returns status and parsed JSON. */
    callControl: (method: string, path: string, body?: unknown) =>
      callControl(control.url, method, path, body),
    async close() {
      control.connections.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await control.close();
    },
  };
}
