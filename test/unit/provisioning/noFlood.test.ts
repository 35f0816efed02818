import { rememberSight } from '../../../src/balena/sight.js';
import { noCa } from '../../../src/certificates/ca/ca.js';
import { openStatus, type StatusRow } from '../../../src/health/status.js';
import { type Acceptance, accept } from '../../../src/provisioning/accept.js';
import type { WorkerDependencies } from '../../../src/provisioning/dependencies.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import type { ProvisioningMessage } from '../../../src/queue/messages.js';
import type { Envelope } from '../../../src/queue/queue.js';
import { openBalenaLimit } from '../../../src/throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from '../../../src/throttling/circuitBreaker.js';
import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { memoryTable } from '../../support/memoryTable.js';

const start = 1_800_000_000_000;
const hour = 3_600_000;
const devices = 500;

/** The dependencies of a worker. Balena knows all devices, with a service "main". A call to the hub fails the test. */
function system() {
  const { deps: asking, sent, clock } = acceptDependencies(start);
  const refuse = async () => {
    throw new Error('this must not be asked');
  };
  const circuit = (dependency: 'balena' | 'hub') =>
    openCircuitBreaker({ dependency, table: memoryTable<CircuitRow>(), clock, log: () => {} });
  let looks = 0;
  const deps: WorkerDependencies = {
    ...asking,
    hub: { get: refuse, create: refuse, update: refuse, remove: refuse, ping: refuse, close() {} },
    balena: {
      async findDevice() {
        looks += 1;
        const scopedVariables = (ownerId: number) => ({ ownerId, variables: {} });
        return {
          fleet: 'local/demo',
          scopes: new Map([
            ['', scopedVariables(1)],
            ['main', scopedVariables(2)],
          ]),
          foreignServices: [],
        };
      },
      seesFleet: async () => true,
      add: refuse,
      store: refuse,
      remove: refuse,
      ping: refuse,
    },
    rateLimiter: openRateLimiter({ table: memoryTable<RateLimiterRow>(), clock, perMinute: 1_000 }),
    balenaLimit: openBalenaLimit(
      openRateLimiter({ table: memoryTable<RateLimiterRow>(), clock, perMinute: 100_000 }),
      clock,
    ),
    sight: rememberSight(clock),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({ table: memoryTable<StatusRow>(), clock }),
    ca: noCa('No device has a certificate request.'),
    mint: refuse,
    retryTransient: (call) => call(),
    settings: {
      workLimitMs: 60_000,
      leaseGraceMs: 60_000,
      maxAttempts: 10,
      longestBackOffMs: hour,
      fleets: null,
      renewAt: 0.8,
    },
    instance: 'worker',
    random: () => 0.5,
  };
  return { asking, deps, sent, clock, looks: () => looks };
}

test('500 devices that all name a service that does not exist, asking for an hour, leave one live dead letter each, and are told why', async () => {
  const { asking, deps, sent, clock, looks } = system();
  const uuids = Array.from({ length: devices }, (_, i) => i.toString(16).padStart(32, 'f'));
  // Repeats as Cloud Relay does: after a delay that doubles from 100 ms to 60 s.
  const relays = uuids.map((uuid) => ({ uuid, at: start, wait: 100 }));
  const deadLetters: { uuid: string; generation: number; reason: string; description: string }[] = [];
  const last = new Map<string, Acceptance>();
  let requested = 0;

  const deliver = async (message: ProvisioningMessage & Envelope, sequenceNumber: number) => {
    await processMessage(deps, message, {
      sequenceNumber: String(sequenceNumber),
      enqueuedAt: clock.now(),
      deadLetter: async (reason, description) => {
        deadLetters.push({ uuid: message.uuid, generation: message.generation, reason, description });
      },
      log: () => {},
    });
  };
  const waiting: { message: ProvisioningMessage & Envelope; sequenceNumber: number }[] = [];
  let taken = 0;
  while (clock.at < start + hour) {
    for (const relay of relays) {
      if (relay.at > clock.at) continue;
      last.set(relay.uuid, await accept(asking, { uuid: relay.uuid, present: true, service: 'mian' }));
      requested += 1;
      relay.at = clock.at + relay.wait;
      relay.wait = Math.min(relay.wait * 2, 60_000);
    }
    for (; taken < sent.length; taken += 1) waiting.push({ message: sent[taken]!, sequenceNumber: taken });
    for (const one of waiting.filter(({ message }) => message.at <= clock.at)) {
      waiting.splice(waiting.indexOf(one), 1);
      await deliver(one.message, one.sequenceNumber);
    }
    clock.at += 500;
  }

  expect(requested).toBeGreaterThan(devices * 60);
  // The cool-down of ten minutes doubles: requests are accepted at 0, 10 and 30 minutes.
  expect(looks()).toBeLessThanOrEqual(devices * 3);
  for (const uuid of uuids) {
    const own = deadLetters.filter((deadLetter) => deadLetter.uuid === uuid);
    expect(own.length).toBeLessThanOrEqual(3);
    // The record names the current message. Other messages are superseded, and the timer removes these messages.
    const { job } = (await deps.records.read(uuid))!.value;
    expect(own.filter(({ generation }) => generation === job?.generation).length).toBeLessThanOrEqual(1);
    expect(last.get(uuid)).toMatchObject({
      kind: 'failed',
      record: { error: { code: 'service-not-found' } },
    });
    expect(own[0]?.reason).toBe('service-not-found');
    expect(own[0]?.description).toContain('no service named "mian": its services are main.');
  }
});
