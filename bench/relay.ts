import { setTimeout } from 'node:timers/promises';

const firstWaitMs = 100;
const longestWaitMs = 60_000;

/** What a device was told, by status, and how often it asked. */
export interface RelayTally {
  requested: number;
  byStatus: Record<string, number>;
}

/**
 * One device with Cloud Relay: asks, ends, and is started again with a delay that doubles from 100 ms to 60 s, until it has its
 * variables. Connection errors count as status 0.
 *
 * @param hasVariables does the device have its variables by now?
 */
export async function relay(
  url: string,
  uuid: string,
  tally: RelayTally,
  hasVariables: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ uuid, balena_service: 'main' });
  for (let wait = firstWaitMs; !hasVariables(); wait = Math.min(wait * 2, longestWaitMs)) {
    tally.requested += 1;
    const status = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal,
    })
      .then(async (response) => {
        await response.arrayBuffer();
        return response.status;
      })
      .catch(() => 0);
    tally.byStatus[status] = (tally.byStatus[status] ?? 0) + 1;
    if (signal.aborted) return;
    await setTimeout(wait, undefined, { signal }).catch(() => {});
  }
}
