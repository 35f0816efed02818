import { access, constants } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a simulator gives to whoever started it. */
export interface Simulator<Endpoints> {
  endpoints: Endpoints;
  /** Stops it; what it acknowledged is on disk when this resolves. */
  close(): Promise<void>;
}

/**
 * Runs a simulator as a process of its own. It tells its parent (IPC message `{ready: endpoints}`) or its terminal when it is
 * ready, and closes on SIGTERM, on SIGINT, and when its parent is gone, so that nothing is left running.
 *
 * @param name for the message when it cannot start; the exit code is then 1
 */
export async function runSimulator<E>(name: string, start: () => Promise<Simulator<E>>): Promise<void> {
  let running: Simulator<E>;
  try {
    await checkExtraCertificates();
    running = await start();
  } catch (error) {
    console.error(`${name} cannot start: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
  let closing = false;
  const close = async () => {
    if (closing) return;
    closing = true;
    await running.close().catch((error) => console.error(`${name} did not stop cleanly: ${error.message}`));
    process.exit(0);
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  if (process.send) {
    process.on('disconnect', close);
    answerEventLoopDelay();
    process.send({ ready: running.endpoints });
  } else {
    console.log(`${name} is ready: ${JSON.stringify(running.endpoints)}`);
  }
}

/** To the message `eventLoopDelay`: the longest block of this process's event loop since it was last asked, ms; 0 the first time. */
function answerEventLoopDelay(): void {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  process.on('message', (message) => {
    if (message !== 'eventLoopDelay') return;
    process.send?.({ eventLoopDelay: histogram.max / 1e6 });
    histogram.enable();
    histogram.reset();
  });
}

/**
 * Node only warns when the file of further certificates cannot be read, and every TLS connection fails later, naming something else.
 *
 * @throws Error naming the file
 */
export async function checkExtraCertificates(file = process.env.NODE_EXTRA_CA_CERTS): Promise<void> {
  if (!file) return;
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which cannot be read: correct the path, or unset it`);
  }
}
