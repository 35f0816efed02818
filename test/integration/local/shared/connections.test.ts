import { Agent, request } from 'node:http';
import { startSmallSimulator } from './startSmallSimulator.js';

const simulator = await startSmallSimulator(() => ({ status: 200, body: 'answer' }));
simulator.control.connections.watch(simulator.server);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
afterAll(async () => {
  agent.destroy();
  await simulator.close();
});

/** Sends a request over the one connection of `by`, and waits for the answer or the end of the connection. */
const send = (by = agent) => {
  const sent = request(simulator.url, { agent: by });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    sent.on('response', (response) => resolve(response.resume().statusCode));
    sent.on('error', reject);
  });
  sent.end();
  return { sent, answered };
};

test('a dropped connection carries nothing any more and is never closed, while a new connection works', async () => {
  expect(await send().answered).toBe(200);
  expect(await simulator.callControl('POST', '/drop')).toMatchObject({ body: { dropped: 1 } });
  const lost = send();
  const outcome = lost.answered.then(
    () => 'answered',
    () => 'closed',
  );
  const other = new Agent({ keepAlive: true });
  // Ten answers over another connection: the lost request had time for its answer.
  for (let times = 0; times < 10; times += 1) expect(await send(other).answered).toBe(200);
  other.destroy();
  expect(await Promise.race([outcome, Promise.resolve('nothing')])).toBe('nothing');
  expect(simulator.control.requests.summary().total).toBe(11);
  lost.sent.destroy();
  expect(await outcome).toBe('closed');
});
