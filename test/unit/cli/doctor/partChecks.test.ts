import { partChecks } from '../../../../cli/doctor/partChecks.js';
import { verdict } from '../../../../cli/doctor/verdict.js';
import { factsOfWrongSettings, type HealthFacts } from '../../../../src/health/facts.js';
import { noTotals, type StatusRow } from '../../../../src/health/status.js';
import type { ErrorCode } from '../../../../src/shared/errorPolicy.js';
import type { CircuitRow } from '../../../../src/throttling/circuitBreaker.js';

const now = Date.parse('2027-01-15T08:10:00Z');
const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const open = (code: ErrorCode): CircuitRow => ({ ...closed, state: 'open', since: now - 60_000, code });
const never = { answeredAt: null, failedAt: null, code: null };
const row: StatusRow = {
  at: now,
  totals: noTotals,
  balena: never,
  hub: never,
  marks: [],
  throttled: { hub: { since: now - 60_000, at: now - 1_000 } },
};
const good: HealthFacts = {
  ...factsOfWrongSettings([], now),
  timers: [],
  circuits: { balena: closed, hub: closed },
  operationsPerMinute: 100,
};

test('workers without a fault add no check', () => {
  expect(partChecks(good)).toEqual([]);
});

test('a refused key stops the work: a fault, also if the key of the command is another one', () => {
  const [check] = partChecks({ ...good, circuits: { balena: open('balena-unauthorized'), hub: closed } });
  expect(check).toMatchObject({
    name: 'workers: balena',
    level: 'failed',
    todo: 'renew BALENA_API_KEY of the functions. The check "balena: key" below tests the key of this command, which may be another one',
  });
});

test('a dependency that is down stops the work, and the status line has the next step', () => {
  const [check] = partChecks({ ...good, circuits: { balena: closed, hub: open('hub-unavailable') } });
  expect(check).toMatchObject({ name: 'workers: hub', level: 'failed' });
  expect(check?.todo).toMatch(/^see the status line above/);
});

test('a silent worker stops the work, and a hub that throttles does not', () => {
  const worker = { ...good.worker, waiting: 3, silentSince: now - 60_000 };
  expect(partChecks({ ...good, worker })).toMatchObject([{ name: 'worker', level: 'failed' }]);
  const paused = { ...good, row, hubPausedUntil: now + 300_000 };
  expect(partChecks(paused)).toMatchObject([{ name: 'workers: hub', level: 'warning' }]);
});

test('the last line is about the checks, and not about the state of the system', () => {
  expect(verdict(0, 0)).toBe('No fault found in settings, connections and rights.');
  expect(verdict(0, 2)).toBe('2 warnings, no fault.');
  expect(verdict(1, 2)).toBe('1 fault, 2 warnings.');
  expect(verdict(3, 0)).toBe('3 faults.');
});
