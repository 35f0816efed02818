import type { AddressInfo, Server } from 'node:net';

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
