import { accept } from '../../../src/provisioning/accept.js';
import { pairOf } from '../support/certificates.js';

import { act, calmly, check, deprovision, identityLeft, moveTo, provision, rotate, seconds } from './acts.js';
import type { ShownRule } from './ShownRule.js';

export const requestsOff: ShownRule[] = [
  {
    rule: 'a DELETE that is answered with 202 is carried out',
    off: {
      async accept(deps, requested) {
        const found = requested.present ? null : await deps.records.read(requested.uuid);
        return found ? { kind: 'accepted', record: found.value } : accept(deps, requested);
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(120 * seconds, deprovision)] },
    within: 100,
  },
  {
    rule: 'the later of two requests wins',
    off: {
      onWrite(record, before) {
        const { desired } = record;
        if (!before?.job || before.job.dead || before.desired.requestId === desired.requestId) return;
        record.desired = { ...before.desired, requestId: desired.requestId };
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(3 * seconds, deprovision)] },
    within: 300,
  },
  {
    rule: 'a rotation changes neither presence nor service',
    off: {
      async rotate(deps, uuid, { revoke = false } = {}) {
        const found = await deps.records.read(uuid);
        const { thumbprint, service } = found?.value.observed ?? {};
        if (!thumbprint || !found?.value.desired.present)
          return { kind: 'nothing-to-rotate', why: 'no-certificate' };
        return accept(deps, { uuid, present: true, service: service ?? '', retire: thumbprint, revoke });
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, rotate), act(1 * seconds, deprovision)],
      calm: true,
      stepMs: 5_000,
    },
    within: 1_000,
  },
  {
    rule: 'an event "created" changes nothing for a device that was requested before',
    off: {
      async handleEvent(deps, { kind: _, ...event }) {
        const uuid = 'uuid' in event ? event.uuid : '';
        const { record } = await accept(deps, { uuid, present: true, service: 'a' });
        return { outcome: 'accepted', uuid, requestId: record.desired.requestId, message: '' };
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, deprovision), act(60 * seconds, { kind: 'created' })] },
    within: 100,
  },
  {
    rule: 'a revoked thumbprint never comes back',
    off: {
      hub: (hub) => ({
        ...hub,
        update: (uuid, [thumbprint], version, ms) =>
          hub.update(uuid, [thumbprint, pairOf(uuid, 0).thumbprint], version, ms),
      }),
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(120 * seconds, rotate)], poison: null },
    within: 300,
  },
  {
    rule: 'a check looks at a device whose request failed for good',
    off: {
      onWrite(record) {
        if (record.job?.dead) record.check = null;
      },
    },
    seen: [identityLeft],
    histories: {
      acts: [
        act(0, provision),
        // The rotation fails for good, because balena refuses its writes.
        act(120 * seconds, { kind: 'right', mayWrite: false }),
        act(1 * seconds, { kind: 'rotate', revoke: false }),
        act(700 * seconds, { kind: 'tamper', how: 'delete-device', scope: '' }),
        act(1 * seconds, check),
      ],
      calm: true,
      maxAttempts: 3,
      poison: null,
      sick: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a check that is requested during a run follows the run',
    off: {
      onWrite(record) {
        if (!record.check) return;
        const { again: _, ...lost } = record.check;
        record.check = lost;
      },
    },
    seen: [identityLeft],
    histories: {
      acts: [
        act(0, provision),
        // The run has seen the device in balena, and asks the hub.
        act(120 * seconds, { kind: 'check', forceVerify: true }),
        act(3 * seconds, { kind: 'tamper', how: 'delete-device', scope: '' }),
        act(0, check),
      ],
      calm: true,
      failing: 0.3,
      stepMs: 500,
      workers: 1,
      poison: null,
      sick: null,
    },
    within: 200,
  },
  {
    rule: 'a device does not wait for ever',
    off: {
      onWrite(record) {
        const { job, error } = record;
        if (job && !job.dead && error) record.job = { ...job, due: job.due + 86_400 * seconds };
      },
    },
    seen: ['waits too long'],
    histories: { calm: true },
    within: 600,
  },
  {
    rule: 'one device with failing calls opens no circuit',
    off: {
      circuit: (circuit) => ({
        ...circuit,
        failed: (error, user) => circuit.failed(error, user, async () => error),
      }),
    },
    seen: ['the circuit of balena opened for one device'],
    histories: {
      acts: [act(0, provision)],
      sick: { device: 0, dependency: 'balena', how: 'unavailable', reads: true, forever: true },
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'a device with failing calls fails for good after MAX_ATTEMPTS',
    off: {
      circuit: (circuit) => ({
        ...circuit,
        async failed(...failure) {
          await circuit.failed(...failure);
          return false;
        },
      }),
    },
    seen: ['waits too long', 'stuck'],
    histories: {
      acts: [act(0, provision)],
      sick: { device: 0, dependency: 'balena', how: 'unavailable', reads: true, forever: true },
      poison: null,
      maxAttempts: 3,
    },
    within: 100,
  },
  {
    rule: 'a request that fails for good leaves a dead letter',
    off: { noDeadLetters: true },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, { kind: 'provision', scope: 'x' })] },
    within: 50,
  },
  {
    rule: 'a request that waits for its validation comes back after a refused request',
    off: {
      onWrite(record) {
        if (record.fallback && !record.fallback.desired.validated) record.fallback = null;
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision), act(0, { kind: 'provision', scope: 'x' })],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'the validated desired state comes back after a refused request',
    off: {
      onWrite(record) {
        record.fallback = null;
      },
    },
    seen: ['a refused request ended a good state'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, { kind: 'provision', scope: 'x' })],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a device or services that balena does not have yet get quick tries',
    off: {
      onRead(record) {
        record.quickTries = 4;
      },
    },
    seen: ['given up without a reason: device-not-found', 'given up without a reason: service-not-found'],
    histories: {
      acts: [act(0, provision)],
      late: { device: 0, what: 'services', ms: 20 * seconds },
      calm: true,
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'after the event "online" a check does what a request desired that failed because balena did not have it yet',
    off: {
      handleEvent: async (_deps, event) => ({
        outcome: 'ignored',
        uuid: 'uuid' in event ? event.uuid : '',
        message: '',
      }),
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision)],
      late: { device: 0, what: 'device', ms: 800 * seconds },
      calm: true,
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'a provisioned device that requests again is looked at before it is told 409',
    off: {
      async accept(deps, requested) {
        const answer = await accept(deps, requested);
        return answer.kind === 'checking' ? { ...answer, kind: 'already-provisioned' } : answer;
      },
    },
    seen: ['an untrue 409'],
    histories: {
      acts: [
        act(0, provision),
        act(200 * seconds, { kind: 'tamper', how: 'remove', scope: 'a' }),
        act(300 * seconds, provision),
      ],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a late copy of a message restarts no dead job: the job knows its dead letters',
    off: {
      // Every copy looks like the message that was dead-lettered.
      queue: (queue) => ({
        ...queue,
        send: (message, envelope) => queue.send({ ...message, due: 0, from: undefined }, envelope),
      }),
    },
    seen: ['replayed without anyone asking'],
    histories: {
      acts: [act(0, { kind: 'provision', scope: 'x' })],
      calm: false,
      crashes: 0,
      stalls: 0.04,
      faultsForMs: 600 * seconds,
      poison: null,
      late: null,
      sick: null,
    },
    within: 1_000,
  },
  {
    rule: 'a resent dead letter is done again: the job knows its dead letters',
    off: {
      onWrite: ({ job }) => {
        if (job?.dead) Object.assign(job.dead, { deadLetters: [] });
      },
    },
    seen: ['a resent dead letter was left'],
    histories: {
      acts: [
        act(0, { kind: 'provision', scope: 'x' }),
        act(200 * seconds, { kind: 'resend', keepsId: false }),
      ],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'a request without a proof changes nothing that a device has requested with a proof',
    off: { accept: (deps, requested) => accept(deps, requested) },
    seen: ['a request without a proof counted'],
    histories: {
      acts: [act(0, { ...provision, proof: true }), act(200 * seconds, { ...moveTo('b'), proof: false })],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'requests of others keep no device out that proves its identity',
    off: { accept: (deps, requested, proof) => accept(deps, requested, proof === true ? undefined : proof) },
    seen: ['a device with a proof was kept out by others'],
    histories: {
      acts: [
        act(0, { ...provision, proof: false }),
        act(200 * seconds, { ...moveTo('b'), proof: false }),
        act(200 * seconds, { ...provision, proof: true }),
      ],
      ...calmly,
    },
    within: 100,
  },
];
