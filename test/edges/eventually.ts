import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is so; the test's time limit is the end of it. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10);
}
