import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketAnswers } from '../../cli/session/socketAnswers.js';

/**
 * Claims a folder for this process, until the end of the process. The claim is a listening socket, because the operating system closes the
 * socket of a process that was killed.
 *
 * @param folder is made if it is missing
 * @returns the address of the socket, which answers as long as this process lives; null if another process has the folder
 */
export async function claimFolder(folder: string): Promise<string | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const address = addressOf(realpathSync(folder));
  if (await listens(address)) return address;
  if (await socketAnswers(address)) return null;
  // The process that made the file of the socket has died.
  await rm(address, { force: true });
  return (await listens(address)) ? address : null;
}

/** A short path, because the path of a socket has at most 104 characters. */
function addressOf(folder: string): string {
  const name = `provisioner-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function listens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(false));
    server.listen(address, () => {
      server.unref();
      resolve(true);
    });
  });
}
