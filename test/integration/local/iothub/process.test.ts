import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IotHubEndpoints } from '../../../../local/simulators/iothub/startIotHub.js';
import { listen } from '../../../../local/simulators/shared/loopback.js';
import { forkMain, killForked } from '../shared/forkMain.js';
import { openRegistry, withThumbprint } from './hubClients.js';

describe('the process', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'iothub-process-'));
  });
  afterEach(async () => {
    killForked();
    await rm(folder, { recursive: true });
  });

  const run = (...args: string[]) => forkMain<IotHubEndpoints>('iothub', ...args);
  const start = async (...args: string[]) => {
    const running = run('--folder', folder, '--mqtt-port', '0', '--unthrottled', ...args);
    return { ...running, endpoints: await running.ready };
  };

  it('still has every device that it has answered for when it is killed and started again', async () => {
    const first = await start('--https-port', '0');
    const sdk = openRegistry(first.endpoints);
    const answered: string[] = [];
    const creating = Array.from({ length: 200 }, async (_, at) => {
      await sdk.registry.create(withThumbprint(`device-${at}`, 'a'.repeat(64)));
      answered.push(`device-${at}`);
      if (answered.length === 50) first.child.kill('SIGKILL');
    });
    await Promise.allSettled(creating);
    await first.closed;
    sdk.close();
    expect(answered.length).toBeGreaterThanOrEqual(50);

    const second = await start('--https-port', String(first.endpoints.httpsPort));
    expect(second.endpoints.connectionString).toBe(first.endpoints.connectionString);
    const again = openRegistry(second.endpoints, first.endpoints.connectionString);
    const kept = new Set((await again.registry.list()).responseBody.map(({ deviceId }) => deviceId));
    expect(answered.filter((deviceId) => !kept.has(deviceId))).toEqual([]);
    again.close();
    second.child.kill('SIGTERM');
    expect(await second.closed).toEqual([0, null]);
  });

  it('prints one line per event, and never a key', async () => {
    const { child, endpoints, closed, output } = await start('--https-port', '0');
    const { registry, close } = openRegistry(endpoints);
    const key = Buffer.alloc(32, 'secret').toString('base64');
    await registry.create({
      deviceId: 'printed',
      authentication: { symmetricKey: { primaryKey: key, secondaryKey: key } },
    });
    close();
    child.disconnect();
    await closed;
    expect(output()).toBe('device printed created\n');
  });

  it('says in one line what is wrong, and exits with 1', async () => {
    const taken = createServer();
    const port = await listen(taken, 0);
    const busy = run('--https-port', String(port), '--mqtt-port', '0');
    expect(await busy.closed).toEqual([1, null]);
    expect(busy.output()).toBe(
      `IoT Hub cannot start: port ${port} is in use by another program: stop that, or choose another port\n`,
    );
    taken.close();

    const free = run('--tier', 'F1', '--units', '2');
    expect(await free.closed).toEqual([1, null]);
    expect(free.output()).toBe('error: tier F1 has exactly one unit\n');

    const wrong = run('--mqtt-port', '65536');
    expect(await wrong.closed).toEqual([1, null]);
    expect(wrong.output()).toContain('Give a whole number from 0 to 65535.');
  });
});
