import { randomBytes } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import { load, percentiles, postProvision } from '../load.js';
import { quietStack } from '../quietStack.js';

const connections = 50;
/** The target rates on two cores, with all processes on the same cores. */
const newPerSecond = 300;
const repeatedPerSecond = 600;

export interface AcceptFigures {
  what: string;
  'a second': number;
  'p50 ms': number;
  'p99 ms': number;
  'of bare sends %': number;
}

/**
 * Measures the HTTP functions: requests for new devices, and the same requests repeated. Bare sends to a broker of the
 * same kind are measured for comparison.
 */
export async function accept(requests: number): Promise<{ rows: AcceptFigures[]; longestBlockMs: number }> {
  const bare = await bareSends(requests);
  const row = (what: string, { perSecond, latencies }: Awaited<ReturnType<typeof load>>): AcceptFigures => {
    const [p50 = 0, p99 = 0] = percentiles(latencies, 0.5, 0.99);
    const ratio = Math.round((perSecond / bare.perSecond) * 1_000) / 10;
    return { what, 'a second': perSecond, 'p50 ms': p50, 'p99 ms': p99, 'of bare sends %': ratio };
  };
  // A worker runs too, as in real use. With an S1 hub, the worker does nothing but schedule the new messages.
  const stack = await quietStack({ hosts: ['http', 'worker'] });
  try {
    const { url, provisionKey } = stack.endpoints.functions;
    const newUuids = (count: number) => Array.from({ length: count }, () => randomBytes(16).toString('hex'));
    const postTo = (uuids: string[]) => (i: number) =>
      postProvision(url, provisionKey, uuids[i % uuids.length] ?? '');
    // Warm-up: connections and compiled code are not part of the measurement.
    await load(500, connections, postTo(newUuids(500)));
    await stack.hosts[0]?.eventLoopDelay();
    const post = postTo(newUuids(requests));
    const added = await load(requests, connections, post);
    const repeated = await load(requests * 2, connections, post);
    const addedAtRate = await load(requests, connections, postTo(newUuids(requests)), newPerSecond);
    const repeatedAtRate = await load(requests * 2, connections, post, repeatedPerSecond);
    const longestBlockMs = (await stack.hosts[0]?.eventLoopDelay()) ?? 0;
    return {
      rows: [
        row('new requests, as fast as possible', added),
        row('repeated requests, as fast as possible', repeated),
        row(`new requests, ${newPerSecond} a second`, addedAtRate),
        row(`repeated requests, ${repeatedPerSecond} a second`, repeatedAtRate),
        row('bare sends, SDK to broker', bare),
      ],
      longestBlockMs: Math.round(longestBlockMs),
    };
  } finally {
    await stack.close();
  }
}

async function bareSends(requests: number) {
  const stack = await quietStack({ hosts: [] });
  const { connectionString = '', queue = '' } = stack.endpoints.serviceBus ?? {};
  const client = new ServiceBusClient(connectionString);
  try {
    const sender = client.createSender(queue);
    const body = {
      v: 1,
      uuid: randomBytes(16).toString('hex'),
      n: 1,
      due: 0,
      operation: 'provision',
      service: 'main',
    };
    await load(200, connections, () =>
      sender.sendMessages({ body, messageId: randomBytes(16).toString('hex') }),
    );
    return await load(requests, connections, () =>
      sender.sendMessages({ body, messageId: randomBytes(16).toString('hex') }),
    );
  } finally {
    await client.close();
    await stack.close();
  }
}
