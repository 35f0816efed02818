import { probeQueue } from '../../../cli/doctor/probeQueue.js';
import { connectionStringFor } from '../../../local/simulators/servicebus/sharedAccess.js';
import { useBroker } from '../local/servicebus/support/useBroker.js';

describe('probeQueue', () => {
  const broker = useBroker();
  const probe = (connectionString: string, queue = 'q') =>
    probeQueue({ connection: { connectionString }, queue, callTimeoutMs: 2_000 });

  it('reports the rights of a worker, and sends nothing', async () => {
    expect(await probe(connectionStringFor(broker.port, 'SendAndListen'))).toEqual({
      send: 'granted',
      listen: 'granted',
    });
    expect(await broker.client.createReceiver('q').peekMessages(1)).toEqual([]);
  });

  it('reports a wrong key', async () => {
    const wrong = broker.connectionString.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=wrong');
    expect(await probe(wrong)).toEqual({ send: 'denied', listen: 'denied' });
  });

  it('reports a missing queue', async () => {
    expect(await probe(broker.connectionString, 'another')).toEqual({ send: 'no-queue', listen: 'no-queue' });
  });

  it('reports a missing answer, and an unreadable connection string', async () => {
    expect(await probe(connectionStringFor(1))).toEqual({ send: 'unreachable', listen: 'unreachable' });
    expect(await probe('Endpoint=sb://;SharedAccessKey')).toEqual({
      send: 'unreadable',
      listen: 'unreadable',
    });
  });
});
