import { randomInt } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';

/**
 * Listens on loopback only.
 *
 * @param port the usual port; 0 for any free port
 * @param orFree take a free port instead of failing when the usual port is in use
 * @returns the port number
 * @throws Error naming the port, if the port is in use
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
 * Finds a port that is free now and stays free until a later listen, even across restarts of the listener. The port is
 * below the range from which Linux takes the ports of outgoing connections. A port inside the range could be taken by
 * an outgoing connection during a restart.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const probe = createServer();
    try {
      return await listen(probe, randomInt(20_000, 32_000));
    } catch {
      // The port is in use: try another port.
    } finally {
      await new Promise((resolve) => probe.close(resolve));
    }
  }
  throw new Error('no free port was found from 20000 to 32000');
}
