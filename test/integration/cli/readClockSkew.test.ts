import { createServer, type Server } from 'node:http';
import { readClockSkew } from '../../../cli/doctor/readClockSkew.js';
import { listen } from '../../../local/simulators/shared/loopback.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** A server whose clock is off. */
async function serverWith(date: string | null): Promise<string> {
  const server = createServer((_, response) => {
    response.sendDate = false;
    if (date !== null) response.setHeader('date', date);
    response.writeHead(401).end();
  });
  const port = await listen(server, 0);
  servers.push(server);
  return `http://127.0.0.1:${port}/`;
}

test('how far our clock is ahead of a server’s, or behind, whatever it answers', async () => {
  const hourAgo = await serverWith(new Date(Date.now() - 3_600_000).toUTCString());
  const ahead = await readClockSkew(hourAgo);
  expect(Math.round(ahead! / 60_000)).toBe(60);
  const inAnHour = await serverWith(new Date(Date.now() + 3_600_000).toUTCString());
  const behind = await readClockSkew(inAnHour);
  expect(Math.round(behind! / 60_000)).toBe(-60);
});

test('it is not known where nobody answers, or no date is said', async () => {
  expect(await readClockSkew('http://127.0.0.1:1/')).toBeNull();
  expect(await readClockSkew(await serverWith(null))).toBeNull();
});
