import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineHttp } from '../../../src/iothub/http.js';
import { CallTimeout } from '../../../src/shared/network.js';
import { useHub } from '../../support/useHub.js';

const iotHub = await useHub();
const http = new DeadlineHttp({ port: iotHub.httpsPort, maxConnections: 1 });
afterAll(() => http.close());

/** A request to the hub; without a signature, it is answered with 401. */
const ask = () =>
  new Promise<number | undefined>((resolve, reject) => {
    http
      .buildRequest(
        'DELETE',
        '/devices/x?api-version=2021-04-12',
        {},
        'localhost',
        (error, _body, response) => (response ? resolve(response.statusCode) : reject(error)),
      )
      .end();
  });

test('a request within its deadline is answered', async () => {
  expect(await http.within(5_000, ask)).toBe(401);
  expect(await iotHub.counts()).toEqual({ 'DELETE /devices/{id}': { 401: 1 } });
});

test('a request that is only built after its deadline, because a token came late, is not sent', async () => {
  let sent: Promise<unknown> | undefined;
  const call = async () => {
    await sleep(60);
    sent = ask();
    await sent;
  };
  await expect(http.within(20, call)).rejects.toThrow(CallTimeout);
  await sleep(60);
  await expect(sent).rejects.toThrow(CallTimeout);
  // The next one has the only connection, so a request before it would have been counted.
  expect(await http.within(5_000, ask)).toBe(401);
  expect(await iotHub.counts()).toEqual({ 'DELETE /devices/{id}': { 401: 1 } });
});
