import type { Activity } from '../../../src/ops/activity/schema.js';
import type { Action } from '../../../src/ops/bulk/schema.js';
import type { DeadLetter, DeadLetterPage } from '../../../src/ops/deadLetters/schema.js';
import type { DeviceHistory, RecordLine } from '../../../src/ops/devices/schema.js';
import type { FailureGroups } from '../../../src/ops/failures/schema.js';
import type { FleetList } from '../../../src/ops/fleets/schema.js';
import type { Overview } from '../../../src/ops/overview/schema.js';

/** The time of the page's clock. */
export const now = '2030-01-01T12:30:20.000Z';
const before = (seconds: number) => new Date(Date.parse(now) - seconds * 1_000).toISOString();
const after = (seconds: number) => before(-seconds);
const day = 86_400;

export const stuck = 'aaaa0000000000000000000000000001';
export const waiting = 'bbbb0000000000000000000000000002';
export const healthy = 'cccc0000000000000000000000000003';
export const actionId = '01900000-0000-7000-8000-000000000001';

const samples: Overview['history'] = [2, 1, 0].map((minutes) => ({
  at: new Date(Math.floor(Date.parse(now) / 60_000) * 60_000 - minutes * 60_000).toISOString(),
  active: 1,
  scheduled: 40 + minutes,
  deadLettered: 3,
  operations: 90 + minutes,
  provisioned: 88,
  failed: minutes,
}));

const overview: Overview = {
  at: now,
  status: {
    at: now,
    state: 'throttled',
    sentence: 'Throttled: The hub refuses registry operations. 43 devices wait; done by 12:30:50.',
    incidents: [
      {
        kind: 'hub-throttled',
        level: 'throttled',
        what: 'The hub refuses registry operations.',
        since: before(300),
        todo: 'Does IOTHUB_UNITS match the hub?',
        runbook: 'the-hub-throttles',
      },
    ],
    backlog: { waiting: 43, finishedPerMinute: 88, doneAt: after(30) },
  },
  queue: { active: 1, scheduled: 40, deadLettered: 3, source: 'queue', note: null },
  states: { queued: 40, working: 1, retrying: 2, provisioned: 300, deprovisioned: 0, outside: 0, failed: 3 },
  devices: 346,
  failures: [{ code: 'service-not-found', step: 'validate', failed: 3, retrying: 0 }],
  failed: 3,
  rateLimiter: { limitPerMinute: 100, lastMinute: 90, backlogDoneAt: after(30) },
  timing: { p50Seconds: 42, p95Seconds: 75, count: 300 },
  history: samples,
  certificates: { expired: 1, within7Days: 2, within30Days: 3, later: 294 },
  dependencies: {
    queue: { ok: true, detail: 'answers' },
    worker: { ok: true, detail: 'takes messages; waiting: 1' },
    balena: { ok: true, detail: 'answered a worker 2 s ago' },
    hub: { ok: false, detail: 'refuses requests (hub-throttled)' },
  },
  recordsAsOf: now,
};

const failures: FailureGroups = {
  groups: [
    {
      ...{ code: 'service-not-found', step: 'validate', fleet: 'acme/pumps', failed: 120, deadLetters: 120 },
      ...{
        replayed: 20,
        retrying: 0,
        checksFailed: 0,
        since: before(600),
        latest: before(60),
        services: ['telemetry'],
      },
      message: 'The device has no service named "telemetry": its services are main.',
      advice: 'Release the service, then replay.',
      runbook: null,
    },
    {
      ...{ code: 'balena-write-refused', step: 'store', fleet: 'acme/gateways', failed: 0, deadLetters: 0 },
      ...{
        replayed: 0,
        retrying: 2,
        checksFailed: 1,
        since: before(900),
        latest: null,
        message: null,
        services: [],
      },
      advice: "Give the key's user the role Developer.",
      runbook: 'requests-fail-with-balena-write-refused',
    },
  ],
  total: 2,
  incomplete: null,
  asOf: now,
};

const fleets: FleetList = {
  fleets: [
    {
      ...{ fleet: 'acme/pumps', devices: 340, states: { provisioned: 300, failed: 3, queued: 37 } },
      ...{ done: 300, pending: 37, failed: 3, checksFailed: 1, expiring: 3, lastDoneAt: before(5) },
    },
    {
      ...{ fleet: null, devices: 6, states: { queued: 6 }, done: 0, pending: 6, failed: 0, checksFailed: 0 },
      ...{ expiring: 0, lastDoneAt: null },
    },
  ],
  asOf: now,
};

const line = (uuid: string, more: Partial<RecordLine> = {}): RecordLine => ({
  ...{ uuid, state: 'provisioned', lastCheck: null, operation: 'provision', service: 'main' },
  ...{
    key: 'issued',
    fleet: 'acme/pumps',
    code: null,
    step: null,
    message: null,
    refused: false,
    attempts: 0,
    replays: 0,
  },
  ...{
    requestedAt: before(600),
    completedAt: before(500),
    dueAt: null,
    certificateExpiresAt: after(300 * day),
  },
  ...more,
});
const lines = [
  line(waiting, { state: 'queued', completedAt: null, dueAt: after(70), certificateExpiresAt: null }),
  line(healthy, { lastCheck: 'failed', code: 'balena-write-refused', step: 'store' }),
  line(stuck, { state: 'failed', code: 'service-not-found', step: 'validate', completedAt: null }),
];
const records = {
  records: lines,
  total: 3,
  byState: { queued: 1, provisioned: 1, failed: 1 },
  next: null,
  asOf: now,
};
const certificates = {
  records: [
    line(healthy, { certificateExpiresAt: before(day) }),
    line(waiting, { certificateExpiresAt: after(5.5 * day) }),
  ],
  ...{ total: 2, expired: 1, byFleet: { 'acme/pumps': 2 }, next: null, asOf: now },
};

const device: DeviceHistory['device'] = {
  ...{ key: 'issued', hubHost: null, issuedUntil: null },
  ...{ uuid: stuck, service: 'telemetry', operation: 'provision', state: 'failed', requestId: actionId },
  ...{ step: 'validate', attempts: 0, expectedAt: null, refusal: null, certificate: null },
  ...{ requestedAt: before(600), updatedAt: before(590), fleet: 'acme/pumps', replays: 0 },
  ...{ firstSeenAt: before(600), completedAt: null, dueAt: null, hub: 'none', waiting: null },
  ...{ replayable: true, discarded: null },
  error: {
    ...{ code: 'service-not-found', step: 'validate' },
    message: 'The device has no service named "telemetry": its services are main.',
  },
};
const histories: Record<string, DeviceHistory> = {
  [stuck]: {
    device,
    history: [
      { at: before(600), type: 'requested', note: 'provision at telemetry' },
      {
        at: before(590),
        type: 'ran',
        note: 'failed for good, service-not-found',
        steps: [{ step: 'validate', ms: 18, code: 'service-not-found' }],
      },
    ],
  },
  [waiting]: {
    device: {
      ...device,
      ...{ uuid: waiting, state: 'queued', service: 'main', step: null, error: null, replayable: false },
      ...{ dueAt: after(70), expectedAt: after(90), hub: 'unknown' },
      waiting: {
        reason:
          'The last answer of the hub or of balena is missing, so the last write may still take effect.',
        nextLook: after(70),
        isCheck: false,
      },
    },
    history: [{ at: before(600), type: 'requested', note: 'provision at main' }],
  },
  [healthy]: {
    device: {
      ...device,
      ...{ uuid: healthy, state: 'provisioned', service: 'main', step: null, error: null, replayable: false },
      ...{ completedAt: before(500), hub: 'accepts-certificate' },
      certificate: {
        ...{ thumbprint: 'A'.repeat(40), notBefore: before(600), notAfter: after(300 * day) },
        ...{ keyAlgorithm: 'ec-p256', issuer: 'self', pem: null, chain: null },
      },
    },
    history: [],
  },
};

const deadLetter: DeadLetter = {
  ...{ status: 'failed', uuid: stuck, requestId: actionId, sequenceNumber: '7', operation: 'provision' },
  ...{ service: 'telemetry', fleet: 'acme/pumps', code: 'service-not-found', step: 'validate' },
  ...{
    message: 'The device has no service named "telemetry": its services are main.',
    attempts: 0,
    replays: 0,
  },
  ...{ superseded: false, firstSeenAt: before(600), failedAt: before(590) },
};
const deadLetters: DeadLetterPage = {
  deadLetters: [deadLetter],
  ...{ total: 1, byCode: { 'service-not-found': 1 }, byFleet: { 'acme/pumps': 1 }, byStatus: { failed: 1 } },
  ...{ next: null, incomplete: null, asOf: now },
};

const action: Action = {
  ...{ id: actionId, kind: 'replay', state: 'running', by: 'Ada', filter: { code: 'service-not-found' } },
  ...{ reason: null, revoke: false, plannedAt: before(120), startedAt: before(100), startedBy: 'Ada' },
  ...{ cancelledBy: null, endedAt: null, ratePerMinute: 100, ramp: true, limit: null },
  ...{ service: null, lacking: null, failures: [] },
  counts: {
    ...{ planned: 120, quarantined: 0, requested: 30, superseded: 0, succeeded: 20, failed: 1, cancelled: 0 },
    underWay: 9,
  },
  ...{
    byCode: { 'service-not-found': 120 },
    byFleet: { 'acme/pumps': 120 },
    expectedSeconds: 72,
    answer: null,
    note: null,
  },
};

const activity: Activity = {
  events: [
    {
      ...{ at: before(2), type: 'provisioned', uuid: healthy, action: null, fleet: 'acme/pumps' },
      ...{ service: 'main', code: null, step: null, text: 'registered and stored' },
    },
    {
      ...{
        at: before(60),
        type: 'failed',
        uuid: stuck,
        action: null,
        fleet: 'acme/pumps',
        service: 'telemetry',
      },
      ...{
        code: 'service-not-found',
        step: 'validate',
        text: 'The device has no service named "telemetry".',
      },
    },
    {
      ...{
        at: before(100),
        type: 'action-started',
        uuid: null,
        action: actionId,
        fleet: null,
        service: null,
      },
      ...{ code: null, step: null, text: 'replay of 120 started by Ada' },
    },
  ],
  ...{ minutes: 15, more: false, asOf: now },
};

const settings = {
  links: {
    balena: 'https://dashboard.balena-cloud.com/devices/{uuid}/summary',
    azure: 'https://portal.azure.com/#device/{uuid}',
    runbook: 'https://example.com/docs/runbook.md',
  },
  defaultService: 'main',
  fleets: null,
};

const fixed: Record<string, object> = {
  overview,
  failures,
  fleets,
  records,
  certificates,
  activity,
  settings,
  'dead-letters': deadLetters,
  actions: { actions: [action], total: 1, next: null },
  [`actions/${actionId}`]: action,
  me: { signIn: 'signed-out', name: null, mayLook: false, mayAct: false },
};

/** The answer of the API to a path below `/api/ops/` or `/api/operators/`; undefined for an unknown path. */
export function answerTo(path: string): object | undefined {
  const uuid = path.replace('records/', '');
  return path.startsWith('records/') ? histories[uuid] : fixed[path];
}
