import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startRelays } from '../../../bench/relays.js';
import { waitFor } from '../../support/waitFor.js';

const bodies: unknown[] = [];
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  bodies.push(JSON.parse(text));
  if (bodies.length === 1) request.socket.destroy();
  else response.writeHead(bodies.length === 2 ? 503 : 202).end('{}');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
afterAll(() => server.close());
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/provision`;

test('a simulated device repeats its request until it has variables, and the answers are counted', async () => {
  let hasVariables = false;
  const relays = startRelays(url, ['a'.repeat(32)], () => hasVariables);
  await waitFor('the device has sent three requests', () => bodies.length >= 3);
  hasVariables = true;
  await waitFor(
    'all requests have their answer',
    () => relays.tally.byStatus[202] === relays.tally.requested - 2,
  );
  expect(relays.tally.byStatus).toMatchObject({ 0: 1, 503: 1 });
  expect(bodies[0]).toEqual({ uuid: 'a'.repeat(32), balena_service: 'main' });
  relays.stop();
});
