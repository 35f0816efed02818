import { DeadlineHttp } from '../../../src/iothub/http.js';
import { CallTimeout } from '../../../src/shared/network.js';
import { useHub } from '../../support/useHub.js';

const iotHub = await useHub();
const http = new DeadlineHttp({ port: iotHub.httpsPort, maxConnections: 1 });
afterAll(() => http.close());

/** Sends a request without a signature to the hub. The hub answers 401. */
const request = () =>
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
  expect(await http.within(60_000, request)).toBe(401);
  expect(await iotHub.counts()).toEqual({ 'DELETE /devices/{id}': { 401: 1 } });
});

test('a request whose token arrives after the deadline is not sent', async () => {
  const token = Promise.withResolvers<void>();
  let sent: Promise<unknown> | undefined;
  const call = () => {
    sent = token.promise.then(request);
    return sent;
  };
  await expect(http.within(20, call)).rejects.toThrow(CallTimeout);
  token.resolve();
  await expect(sent).rejects.toThrow(CallTimeout);
  // The next request uses the only connection, so an earlier request would have been counted.
  expect(await http.within(60_000, request)).toBe(401);
  expect(await iotHub.counts()).toEqual({ 'DELETE /devices/{id}': { 401: 1 } });
});
