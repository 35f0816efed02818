import { Agent, request } from 'node:http';

const firstWaitMs = 100;
const longestWaitMs = 60_000;
/** The functions host closes an idle connection after 130 s. No request may meet that close. */
const idleConnectionMs = 60_000;

/** The answers to the devices, by status, and the number of requests. */
export interface RelayTally {
  requested: number;
  /** Status 0: no answer, because the connection was refused or ended. */
  byStatus: Record<string, number>;
}

/** The devices of a burst. */
export interface Relays {
  tally: RelayTally;
  /** Stops all devices at once. Requests under way do not count any more. */
  stop(): void;
}

/**
 * Simulates devices with Cloud Relay, which all boot now. The container requests, ends, and is restarted with a delay that doubles from
 * 100 ms to 60 s, until the device has variables.
 *
 * The devices share one cheap client. `fetch` with a signal that all devices share would take most of the processor: Node looks through all
 * listeners of a signal to add one, so the cost grows with the square of the number of devices.
 *
 * @param url of `POST /api/provision`, with the key
 * @param hasVariables whether a device has variables now
 */
export function startRelays(
  url: string,
  uuids: readonly string[],
  hasVariables: (uuid: string) => boolean,
): Relays {
  const tally: RelayTally = { requested: 0, byStatus: {} };
  const agent = new Agent({ keepAlive: true, timeout: idleConnectionMs });
  let isStopped = false;
  const relay = (uuid: string, waitMs: number) => {
    if (isStopped || hasVariables(uuid)) return;
    tally.requested += 1;
    post(agent, url, JSON.stringify({ uuid, balena_service: 'main' }), (status) => {
      if (isStopped) return;
      tally.byStatus[status] = (tally.byStatus[status] ?? 0) + 1;
      setTimeout(relay, waitMs, uuid, Math.min(waitMs * 2, longestWaitMs)).unref();
    });
  };
  for (const uuid of uuids) relay(uuid, firstWaitMs);
  return {
    tally,
    stop() {
      isStopped = true;
      agent.destroy();
    },
  };
}

/** @param done called once, with the status; 0 without an answer */
function post(agent: Agent, url: string, body: string, done: (status: number) => void): void {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    let status = response.statusCode ?? 0;
    response.on('error', () => {
      status = 0;
    });
    response.on('close', () => done(status)).resume();
  });
  let isAnswered = false;
  sent.on('response', () => {
    isAnswered = true;
  });
  sent.on('error', () => {
    if (!isAnswered) done(0);
  });
  sent.end(body);
}
