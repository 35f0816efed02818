import { setTimeout as sleep } from 'node:timers/promises';

const longestMs = 5_000;

/** Waits until something is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + longestMs;
  while (!(await isSo())) {
    if (Date.now() > giveUpAt) throw new Error(`it is still not so after ${longestMs} ms: ${isSo}`);
    await sleep(10);
  }
}
