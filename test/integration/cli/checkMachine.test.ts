import { createServer, type Server } from 'node:http';
import { readClockSkew } from '../../../cli/doctor/checkMachine.js';
import { listen } from '../../../local/simulators/shared/loopback.js';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** Starts a server with the given Date header. @param date null for no header */
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

test('readClockSkew measures the difference to the server’s clock from any response', async () => {
  const hourAgo = await serverWith(new Date(Date.now() - 3_600_000).toUTCString());
  const ahead = await readClockSkew(hourAgo);
  expect(Math.round(ahead! / 60_000)).toBe(60);
  const inAnHour = await serverWith(new Date(Date.now() + 3_600_000).toUTCString());
  const behind = await readClockSkew(inAnHour);
  expect(Math.round(behind! / 60_000)).toBe(-60);
});

test('readClockSkew returns null without an answer or a Date header', async () => {
  expect(await readClockSkew('http://127.0.0.1:1/')).toBeNull();
  expect(await readClockSkew(await serverWith(null))).toBeNull();
});
