import { access, constants } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { InvalidArgumentError } from 'commander';
import { onStop } from './onStop.js';

/** A running simulator. */
export interface Simulator<Endpoints> {
  endpoints: Endpoints;
  /** Resolves if the simulator cannot go on. The process then closes, and ends with exit code 1. */
  failed?: Promise<void>;
  /** Stops the simulator. When the promise resolves, everything acknowledged is on disk. */
  close(): Promise<void>;
}

/**
 * Runs a simulator as a process of its own. The process reports readiness to the parent (IPC message `{ready:
 * endpoints}`) or, without a parent, on the terminal. The process closes on a signal (see `onStop`), and when the parent
 * has ended, and leaves nothing running.
 *
 * @param name for the message about a failed start; the exit code is then 1
 */
export async function runSimulator<E>(name: string, start: () => Promise<Simulator<E>>): Promise<void> {
  keepFilesPrivate();
  let running: Simulator<E>;
  try {
    await checkExtraCertificates();
    running = await start();
  } catch (error) {
    console.error(`${name} cannot start: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
  let closing = false;
  const close = async (exitCode = 0) => {
    if (closing) return;
    closing = true;
    await running.close().catch((error) => console.error(`${name} did not stop cleanly: ${error.message}`));
    process.exit(exitCode);
  };
  onStop(() => close());
  void running.failed?.then(() => close(1));
  if (process.send) {
    process.on('disconnect', () => close());
    answerEventLoopDelay();
    process.send({ ready: running.endpoints });
  } else {
    console.log(`${name} is ready: ${JSON.stringify(running.endpoints)}`);
  }
}

/** Makes every new file and folder of this process, and of its children, private to the user. The state has keys. */
export function keepFilesPrivate(): void {
  process.umask(0o077);
}

/**
 * Answers the IPC message `eventLoopDelay` with the longest block of this process's event loop since the last such
 * message, ms. The first answer is 0.
 */
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
 * Checks the file of NODE_EXTRA_CA_CERTS. Node only warns about an unreadable file, and every TLS connection fails
 * later with a misleading error.
 *
 * @throws Error naming the file, if the file cannot be read
 */
export async function checkExtraCertificates(file = process.env.NODE_EXTRA_CA_CERTS): Promise<void> {
  if (!file) return;
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which cannot be read: correct the path, or unset it`);
  }
}

/** Parses a whole number on the command line, for commander. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
