import { randomInt } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';

/**
 * Listens on loopback only.
 *
 * @param port the usual port; 0 for any free one
 * @param orFree take a free port when the usual one is in use, instead of failing
 * @returns the port it listens on
 * @throws Error naming the port when it is in use
 */
export async function listen(server: Server, port: number, orFree = false): Promise<number> {
  try {
    await attempt(server, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (!orFree) {
      throw new Error(`port ${port} is in use by another program: stop that, or choose another port`);
    }
    await attempt(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

function attempt(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

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
