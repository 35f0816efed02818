import { recordQuery } from '../../../src/ops/devices/list.js';
import { refuseUnknownCode, refuseUnknownFleet } from '../../../src/ops/shared/knownNames.js';
import { parse } from '../../../src/ops/shared/request.js';

test('an unknown fleet is refused by name, with the known fleets', () => {
  expect(() => refuseUnknownFleet('acme/pumsp', ['acme/pumps', null, 'acme/gateways', 'acme/pumps'])).toThrow(
    'No device of the fleet "acme/pumsp" has a record. Fleets with records: acme/gateways, acme/pumps.',
  );
  expect(() => refuseUnknownFleet('acme/pumps', [])).toThrow('Fleets with records: none.');
  refuseUnknownFleet('acme/pumps', ['acme/pumps']);
  refuseUnknownFleet(undefined, []);
});

test('an unknown code is refused by name, and a reason of a dead letter is a code', () => {
  expect(() => refuseUnknownCode('service-not-fund')).toThrow(
    /There is no error code "service-not-fund"\. Codes: .*service-not-found/,
  );
  refuseUnknownCode('service-not-found');
  refuseUnknownCode('TTLExpiredException', ['TTLExpiredException']);
});

test('a name with control characters cannot clear a terminal', () => {
  expect(() => refuseUnknownFleet('a\u001b[2J/b', ['\u202Ec/d'])).toThrow(
    /^No device of the fleet "a\\u001b\[2J\/b"/,
  );
  expect(() => refuseUnknownFleet('a/b', ['\u202Ec/d'])).toThrow('\\u{202e}c/d');
});

test.each([
  [{ state: 'brokn' }, `The filter's "state" cannot be "brokn". Known values: queued, working,`],
  [{ step: 'mnit' }, `The filter's "step" cannot be "mnit". Known values: validate, mint,`],
  [{ lastCheck: 'good' }, `The filter's "lastCheck" cannot be "good". Known values: failed.`],
])('%j is refused by name, with the known values', (query, message) => {
  expect(() => parse(recordQuery, query, 'filter')).toThrow(message);
});
