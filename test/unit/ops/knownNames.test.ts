import { recordQuery } from '../../../src/ops/devices/list.js';
import { refuseUnknownNames } from '../../../src/ops/shared/knownNames.js';
import { parse } from '../../../src/ops/shared/request.js';

const of = (fleet: string | null, service: string | null = 'main') => ({ fleet, service });
const known = [of('acme/pumps'), of(null), of('acme/gateways', 'relay'), of('acme/pumps', '')];

test('an unknown fleet is refused by name, with the known fleets', () => {
  expect(() => refuseUnknownNames({ fleet: 'acme/pumsp' }, known)).toThrow(
    'No device of the fleet "acme/pumsp" has a record. Fleets with records: acme/gateways, acme/pumps.',
  );
  expect(() => refuseUnknownNames({ fleet: 'acme/pumps' }, [])).toThrow('Fleets with records: none.');
  refuseUnknownNames({ fleet: 'acme/pumps' }, known);
  refuseUnknownNames({}, []);
});

test('an unknown service is refused by name, with the known services; the device level always exists', () => {
  expect(() => refuseUnknownNames({ fleet: 'acme/pumps', service: 'mian' }, known)).toThrow(
    'No device has the desired service "mian". Services of the records: main, relay.',
  );
  refuseUnknownNames({ service: 'main' }, known);
  refuseUnknownNames({ service: '' }, []);
});

test('an unknown code is refused by name, and a reason of a dead letter is a code', () => {
  expect(() => refuseUnknownNames({ code: 'service-not-fund' }, known)).toThrow(
    /There is no error code "service-not-fund"\. Codes: .*service-not-found/,
  );
  refuseUnknownNames({ code: 'service-not-found' }, []);
  refuseUnknownNames({ code: 'TTLExpiredException' }, [], ['TTLExpiredException']);
});

test('a name with control characters cannot clear a terminal', () => {
  const hidden = [of('\u202Ec/d')];
  expect(() => refuseUnknownNames({ fleet: 'a\u001b[2J/b' }, hidden)).toThrow(
    /^No device of the fleet "a\\u001b\[2J\/b"/,
  );
  expect(() => refuseUnknownNames({ fleet: 'a/b' }, hidden)).toThrow('\\u{202e}c/d');
});

test.each([
  [{ state: 'brokn' }, `The filter's "state" cannot be "brokn". Known values: queued, working,`],
  [{ step: 'mnit' }, `The filter's "step" cannot be "mnit". Known values: validate, mint,`],
  [{ lastCheck: 'good' }, `The filter's "lastCheck" cannot be "good". Known values: failed.`],
])('%j is refused by name, with the known values', (query, message) => {
  expect(() => parse(recordQuery, query, 'filter')).toThrow(message);
});
