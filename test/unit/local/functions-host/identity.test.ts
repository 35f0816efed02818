import type { IncomingMessage } from 'node:http';
import { passIdentity } from '../../../../local/simulators/functions-host/http/identity.js';

function requestWith(headers: Record<string, string>): IncomingMessage {
  const distinct = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return { headers: { ...headers }, headersDistinct: Object.fromEntries(distinct) } as IncomingMessage;
}

const forged = { 'x-ms-client-principal': 'forged', 'x-ms-token-aad-id-token': 'forged', accept: '*/*' };

test('while App Service Authentication is off, the headers of a client pass', () => {
  const request = requestWith(forged);
  passIdentity(request, false);
  expect(request.headers).toEqual(forged);
});

test('while it is on, the headers of a client are removed', () => {
  const request = requestWith(forged);
  passIdentity(request, true);
  expect(request.headers).toEqual({ accept: '*/*' });
  expect(request.headersDistinct).toEqual({ accept: ['*/*'] });
});

test('while it is on, the principal of the session replaces the header of a client', () => {
  const request = requestWith({ ...forged, cookie: 'a=b; AppServiceAuthSession=session' });
  passIdentity(request, true);
  expect(request.headersDistinct['x-ms-client-principal']).toEqual(['session']);
});
