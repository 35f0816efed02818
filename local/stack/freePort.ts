import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { listen } from '../simulators/shared/listen.js';

/**
 * A port that is free now, and stays free for whoever listens on it later, or again: below the range from which Linux takes the
 * ports of outgoing connections, which would otherwise move in while a process is being restarted.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const probe = createServer();
    try {
      return await listen(probe, randomInt(20_000, 32_000));
    } catch {
      // In use: another one.
    } finally {
      await new Promise((resolve) => probe.close(resolve));
    }
  }
  throw new Error('no free port was found from 20000 to 32000');
}
