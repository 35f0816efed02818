import { ServiceBusClient } from '@azure/service-bus';
import { startBroker } from '../../../../local/simulators/servicebus/startBroker.js';
import { startFixture } from './startFixture.js';

const queues = [{ name: 'q', maxDeliveryCount: 2 }];

it('completes messages without a call of the function, and answers UNIMPLEMENTED to settlements', async () => {
  const broker = await startBroker({ port: 0, queues, log: () => {} });
  const { connectionString } = broker.endpoints;
  const env = { FIXTURE_QUEUE: 'q', 'AzureWebJobs.work.Disabled': '', FIXTURE_BUS: connectionString };
  const host = await startFixture(['--only', 'worker'], env);
  const client = new ServiceBusClient(connectionString);
  const send = (messageId: string, body: object) =>
    client.createSender('q').sendMessages({ messageId, body });
  const faults = async (body: object) =>
    (await fetch(`${host.endpoints.controlUrl}/host-faults`, { method: 'PUT', body: JSON.stringify(body) }))
      .status;

  expect(await faults({ uncalledMessages: 1 })).toBe(200);
  await send('lost', { workMs: 1 });
  await host.line(/^work: message lost .*completed without a call/);
  await send('called', { workMs: 1 });
  await host.line(/^work: message called .*completed in/);
  expect(host.lines.some((line) => /^work .*lost/.test(line))).toBe(false);

  expect(await faults({ settlementUnimplemented: true })).toBe(200);
  await send('unsettled', { do: 'deadletter', reason: 'late' });
  await host.line(/^settled .*(12|UNIMPLEMENTED)/);
  expect(await faults({ unknown: true })).toBe(400);

  await client.close();
  await host.stop();
  await broker.close();
});
