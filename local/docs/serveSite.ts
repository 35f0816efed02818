import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.png': 'image/png',
};

/**
 * Serves the files of a folder on loopback.
 *
 * @param port 0 for a free port
 * @returns the server, which listens
 */
export async function serveSite(folder: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    readInside(folder, request.url ?? '/').then(
      ({ file, content }) => {
        const type = types[extname(file)] ?? 'text/plain; charset=utf-8';
        response.writeHead(200, { 'content-type': type }).end(content);
      },
      () => response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such page.\n'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** @throws Error for an address that leads out of the folder, or to no file */
async function readInside(folder: string, url: string): Promise<{ file: string; content: Buffer }> {
  const { pathname } = new URL(url, 'http://localhost');
  const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  const file = normalize(join(folder, decodeURIComponent(path)));
  if (!file.startsWith(folder + sep)) throw new Error('outside of the site');
  return { file, content: await readFile(file) };
}
