import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { waitFor } from '../../../support/waitFor.js';
import { control, openRegistry, statusOf, withThumbprint } from './hubClients.js';

const device = (id: string) => withThumbprint(id, 'a'.repeat(64));

describe('the control server', () => {
  let hub: Simulator<IotHubEndpoints>;
  let sdk: ReturnType<typeof openRegistry>;
  beforeEach(async () => {
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0 });
    sdk = openRegistry(hub.endpoints);
  });
  afterEach(async () => {
    sdk.close();
    await hub.close();
  });

  it('counts operations and requests', async () => {
    await sdk.registry.create(device('counted'));
    await sdk.registry.addDevices([device('counted-1'), device('counted-2')]);
    expect(await control(hub.endpoints, 'GET /throttle')).toMatchObject({
      perMinute: 100,
      operations: 3,
      refused: {},
    });
    expect(await control(hub.endpoints, 'GET /requests')).toMatchObject({
      total: 2,
      counts: { 'PUT /devices/{id}': { 200: 1 }, 'POST /devices': { 200: 1 } },
    });
  });

  it("sets the throttle, which then answers the hub's 429", async () => {
    await control(hub.endpoints, 'PUT /throttle', { perMinute: 1, backlog: 0, waitSeconds: 3 });
    await sdk.registry.create(device('first'));
    await expect(sdk.registry.create(device('second'))).rejects.toMatchObject({
      name: 'ThrottlingError',
      message: 'The request has been throttled. Wait 3 seconds and try again.',
      response: { statusCode: 429 },
    });
    expect(await control(hub.endpoints, 'GET /throttle')).toMatchObject({
      operations: 1,
      refused: { ThrottlingException: 1 },
    });
    await control(hub.endpoints, 'PUT /throttle', { unthrottled: true });
    await sdk.registry.create(device('second'));
    const { perMinute, unthrottled } = await control(hub.endpoints, 'PUT /throttle', {
      tier: 'S2',
      units: 2,
    });
    expect({ perMinute, unthrottled }).toEqual({ perMinute: 200, unthrottled: undefined });
  });

  const waiting = async () => (await control(hub.endpoints, 'GET /throttle')).waiting;

  it('delays calls beyond the rate that fit into the backlog', async () => {
    await control(hub.endpoints, 'PUT /throttle', { perMinute: 0.001, burst: 1, backlog: 10 });
    const calls = Array.from({ length: 5 }, (_, at) => sdk.registry.create(device(`delayed-${at}`)));
    await waitFor('four requests wait', async () => (await waiting()) === 4);
    await control(hub.endpoints, 'PUT /throttle', { unthrottled: true });
    await Promise.all(calls);
    expect(await control(hub.endpoints, 'GET /throttle')).toMatchObject({
      operations: 5,
      delayed: 4,
      refused: {},
    });
  });

  it('says what to send for a throttle that makes no sense', async () => {
    await expect(control(hub.endpoints, 'PUT /throttle', { rate: 5 })).rejects.toThrow(/^400 .*send/);
    await expect(control(hub.endpoints, 'PUT /throttle', { perMinute: 0 })).rejects.toThrow(
      /^400 .*perMinute/,
    );
  });

  it('makes a create take effect although it was refused', async () => {
    await control(hub.endpoints, 'POST /faults', { method: 'PUT', times: 1, status: 500, effect: 'now' });
    expect(await statusOf(sdk.registry.create(device('late')))).toBe(500);
    expect(await statusOf(sdk.registry.create(device('late')))).toBe(409);
  });

  it('closes although a call is held back', async () => {
    await control(hub.endpoints, 'PUT /throttle', { perMinute: 1 });
    await sdk.registry.create(device('held-1'));
    const held = statusOf(sdk.registry.create(device('held-2')));
    await waitFor('a request waits', async () => (await waiting()) === 1);
    await hub.close();
    expect(await held).toBeUndefined();
  });

  it('is not there when a port is taken: the hub then fails to start, and leaves nothing open', async () => {
    const { mqttPort } = hub.endpoints;
    await expect(startIotHub({ httpsPort: 0, mqttPort })).rejects.toThrow(`port ${mqttPort} is in use`);
  });
});
