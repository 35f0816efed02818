import * as fc from 'fast-check';

/** An event for one device, some time after the previous event. */
export interface Act {
  device: number;
  afterMs: number;
  what: /** `proof`: the caller proves to be the device, or does not; undefined: a caller with a key of its own, such as an operator. */
    | { kind: 'provision'; scope: string; proof?: boolean | undefined }
    | { kind: 'deprovision' }
    /**
     * A request with an own key: with a new certificate or with the last one. `uses`: the device says which own certificate it uses. `csr`: the
     * request is for a certificate of the CA, and an earlier certificate of the CA is due for renewal or stays.
     */
    | { kind: 'own'; fresh: boolean; uses: boolean; csr?: 'due' | 'stays' }
    /** A device with a certificate request reads the certificate, and uses it from then on. */
    | { kind: 'poll' }
    | { kind: 'created' }
    /** `earlier`: the certificate before the present one is to be revoked, too. */
    | { kind: 'rotate'; revoke: boolean; forceVerify?: boolean; earlier?: boolean }
    | { kind: 'check'; forceVerify: boolean; inMs?: number }
    | { kind: 'renew' }
    /** The key gets or loses the right to write the device's variables. */
    | { kind: 'right'; mayWrite: boolean }
    /** The CA does not answer for this time. */
    | { kind: 'ca'; ms: number }
    /** An operator resends a dead letter with a tool that keeps the message id, or that gives the message a new id. */
    | { kind: 'resend'; keepsId: boolean }
    /** `service`: the replay is for this service. */
    | { kind: 'replay'; inMs: number; service?: string | undefined }
    | { kind: 'cancel' }
    | { kind: 'discard' }
    /** A bulk action on the set of its plan. */
    | { kind: 'bulk'; action: 'replay' | 'discard' | 'rotate' | 'revoke'; ramp: boolean }
    | { kind: 'bulk-cancel' }
    | {
        kind: 'tamper';
        how:
          | 'delete-device'
          | 'hub'
          | 'lose-record'
          | 'restore-record'
          | 'lose-queue'
          | 'remove'
          | 'alien'
          | 'alien-key';
        scope: string;
      };
}

/** A fault that hits the calls for one device only. */
export interface Sick {
  device: number;
  dependency: 'hub' | 'balena';
  /** `unauthorized`: the dependency rejects our credentials. `write-refused`: balena refuses the writes of this device only. */
  how: 'unavailable' | 'unauthorized' | 'rejected' | 'write-refused';
  /** The reads fail, too, and not only the writes. */
  reads: boolean;
  /** This fault goes on when the other faults have stopped. */
  forever: boolean;
}

/** One history. The same scenario gives the same events in the same order. */
export interface Scenario {
  seed: number;
  acts: Act[];
  workers: number;
  /** No crashes, pauses and unknown outcomes. */
  calm: boolean;
  /** Of each step of a process, if not calm. */
  crashes: number;
  /** Of each step of a process, if not calm: for 5 to 300 s. */
  stalls: number;
  /** How often calls fail: 1 is a bad day. */
  failing: number;
  /** Between two steps, at most, ms. */
  stepMs: number;
  /** How long faults last after the last act, ms. */
  faultsForMs: number;
  /** How far the processes' clocks are apart, ms. */
  skewMs: number;
  /** Registry operations a minute. */
  perMinute: number;
  maxAttempts: number;
  /** Different devices that fail in a row and open a circuit. */
  circuitThreshold: number;
  /** This device kills its worker. */
  poison: number | null;
  /** A device with failing calls to one dependency. The calls for other devices succeed. */
  sick: Sick | null;
  /** balena has this device, or its services, only some time after the start. */
  late: { device: number; what: 'device' | 'services'; ms: number } | null;
  /** Everything is audited at the end. */
  audit: boolean;
}

const scope = fc.constantFrom('a', 'a', 'a', 'b', '', 'x');

const bulk = fc.record({
  kind: fc.constant('bulk'),
  action: fc.constantFrom('replay', 'replay', 'discard', 'rotate', 'revoke'),
  ramp: fc.boolean(),
});

const what: fc.Arbitrary<Act['what']> = fc.oneof(
  {
    weight: 35,
    arbitrary: fc.record({
      kind: fc.constant('provision'),
      scope,
      proof: fc.constantFrom(undefined, undefined, undefined, true, false),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('deprovision') }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('own'), fresh: fc.boolean(), uses: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('created') }) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: fc.constant('rotate'),
      revoke: fc.boolean(),
      forceVerify: fc.boolean(),
      earlier: fc.boolean(),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('check'),
      forceVerify: fc.boolean(),
      inMs: fc.constantFrom(0, 0, 0, 900_000),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('renew') }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('right'), mayWrite: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('resend'), keepsId: fc.boolean() }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('replay'),
      inMs: fc.constantFrom(0, 0, 20_000, 300_000),
      service: fc.constantFrom(undefined, undefined, 'a', 'b', 'x'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cancel') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('discard') }) },
  { weight: 6, arbitrary: bulk },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bulk-cancel') }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('tamper'),
      how: fc.constantFrom(
        'delete-device',
        'hub',
        'lose-record',
        'restore-record',
        'lose-queue',
        'remove',
        'remove',
        'alien',
        'alien-key',
      ),
      scope: fc.constantFrom('a', 'a', 'b', ''),
    }),
  },
);

const seconds = 1_000;
const afterMs = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * seconds }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 90 * seconds }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 300 * seconds }) },
  { weight: 2, arbitrary: fc.integer({ min: 600 * seconds, max: 1_500 * seconds }) },
);

/** Anything, to any device. */
const mixed = fc.array(fc.record({ device: fc.constantFrom(0, 0, 0, 1, 2), afterMs, what }), {
  minLength: 1,
  maxLength: 12,
  size: 'max',
});

/** One device is provisioned and deprovisioned in turn, while the work for the previous request is still under way. */
const toAndFro = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 150 * seconds }), fc.boolean(), fc.boolean()), {
    minLength: 1,
    maxLength: 4,
    size: 'max',
  })
  .map((rounds) =>
    rounds.flatMap(([ms, rotates, revoke]): Act[] => [
      { device: 0, afterMs: ms % (60 * seconds), what: { kind: 'provision', scope: 'a' } },
      ...(rotates ? [{ device: 0, afterMs: ms, what: { kind: 'rotate', revoke } } as const] : []),
      { device: 0, afterMs: rotates ? ms % (5 * seconds) : ms, what: { kind: 'deprovision' } },
    ]),
  );

/** One device fails for good. Operators replay the request and cancel the replay, while a worker may be at work. */
const replayed = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 90 * seconds }),
      fc.constantFrom(0, 0, 10 * seconds, 120 * seconds),
      fc.constantFrom('cancel', 'cancel', 'discard', 'resend', 'provision', 'deprovision', 'bulk-cancel'),
      fc.integer({ min: 0, max: 60 * seconds }),
      fc.constantFrom(undefined, undefined, 'a', 'b'),
    ),
    { minLength: 1, maxLength: 4, size: 'max' },
  )
  .map((rounds): Act[] => [
    { device: 0, afterMs: 0, what: { kind: 'provision', scope: 'x' } },
    ...rounds.flatMap(([ms, inMs, then, later, service]): Act[] => {
      const named = (): Act['what'] => {
        if (then === 'resend') return { kind: then, keepsId: service === undefined };
        return then === 'provision' ? { kind: then, scope: 'a' } : { kind: then };
      };
      const replay: Act['what'] =
        then === 'bulk-cancel'
          ? { kind: 'bulk', action: 'replay', ramp: true }
          : { kind: 'replay', inMs, service };
      return [
        { device: 0, afterMs: ms, what: replay },
        { device: 0, afterMs: later % (inMs + 5 * seconds), what: named() },
      ];
    }),
  ]);

/** One device has credentials, or is to have none. A request for a service that does not exist crosses with something else. */
const refused = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'provision',
        'deprovision',
        'rotate',
        'move',
        'check',
        'replay',
        'cancel',
        'discard',
        'resend',
        'none',
      ),
      fc.constantFrom(
        'provision',
        'deprovision',
        'rotate',
        'revoke',
        'move',
        'check',
        'replay',
        'discard',
        'bulk',
        'none',
      ),
      fc.integer({ min: 0, max: 90 * seconds }),
      fc.integer({ min: 0, max: 10 * seconds }),
    ),
    { minLength: 1, maxLength: 4, size: 'max' },
  )
  .map((rounds): Act[] => {
    const named = (kind: (typeof rounds)[number][0 | 1]): Act['what'][] => {
      if (kind === 'none') return [];
      if (kind === 'provision') return [{ kind, scope: 'a' }];
      if (kind === 'move') return [{ kind: 'provision', scope: 'b' }];
      if (kind === 'rotate' || kind === 'revoke') return [{ kind: 'rotate', revoke: kind === 'revoke' }];
      if (kind === 'bulk') return [{ kind, action: 'replay', ramp: true }];
      if (kind === 'replay') return [{ kind, inMs: 0 }];
      if (kind === 'resend') return [{ kind, keepsId: false }];
      return [kind === 'check' ? { kind, forceVerify: true } : { kind }];
    };
    return [
      { device: 0, afterMs: 0, what: { kind: 'provision', scope: 'a' } },
      ...rounds.flatMap(([first, then, ms, later]): Act[] => [
        ...named(first).map((what) => ({ device: 0, afterMs: ms, what })),
        { device: 0, afterMs: later, what: { kind: 'provision', scope: 'x' } },
        ...named(then).map((what) => ({ device: 0, afterMs: later, what })),
      ]),
    ];
  });

/** The variables of a provisioned device disappear, and the device requests again and again. */
const lostVariables = fc
  .array(
    fc.tuple(
      fc.constantFrom('remove', 'alien', 'alien-key'),
      fc.array(fc.integer({ min: 1 * seconds, max: 150 * seconds }), {
        minLength: 2,
        maxLength: 5,
        size: 'max',
      }),
    ),
    { minLength: 1, maxLength: 2, size: 'max' },
  )
  .map((rounds): Act[] => [
    { device: 0, afterMs: 0, what: { kind: 'provision', scope: 'a' } },
    ...rounds.flatMap(([how, waits]): Act[] => [
      { device: 0, afterMs: 200 * seconds, what: { kind: 'tamper', how, scope: 'a' } },
      ...waits.map((ms): Act => ({ device: 0, afterMs: ms, what: { kind: 'provision', scope: 'a' } })),
    ]),
  ]);

/** The record of one device is lost, or an older version replaces the record, while messages of the lost versions are under way. */
const restored = fc
  .array(
    fc.tuple(
      fc.constantFrom('provision', 'provision', 'deprovision', 'rotate', 'check'),
      fc.integer({ min: 0, max: 60 * seconds }),
      fc.constantFrom('restore-record', 'restore-record', 'lose-record'),
      fc.constantFrom('provision', 'deprovision', 'created'),
      fc.integer({ min: 0, max: 5 * seconds }),
    ),
    { minLength: 1, maxLength: 3, size: 'max' },
  )
  .map((rounds): Act[] => {
    const named = (kind: (typeof rounds)[number][0 | 3]): Act['what'] => {
      if (kind === 'provision') return { kind, scope: 'a' };
      if (kind === 'rotate') return { kind, revoke: false };
      return kind === 'check' ? { kind, forceVerify: false } : { kind };
    };
    return [
      { device: 0, afterMs: 0, what: { kind: 'provision', scope: 'a' } },
      ...rounds.flatMap(([first, ms, how, then, later]): Act[] => [
        { device: 0, afterMs: ms, what: named(first) },
        { device: 0, afterMs: later, what: { kind: 'tamper', how, scope: '' } },
        { device: 0, afterMs: later, what: named(then) },
      ]),
    ];
  });

/** One device changes between an issued key and an own key, and makes new own keys, while something else crosses. */
const ownKeys = fc
  .array(
    fc.tuple(
      fc.constantFrom('own', 'own', 'csr', 'csr', 'uses', 'due', 'provision', 'move', 'none'),
      fc.constantFrom(
        'own',
        'uses',
        'csr',
        'due',
        'provision',
        'refused',
        'deprovision',
        'revoke',
        'check',
        'remove',
        'none',
      ),
      fc.boolean(),
      fc.oneof(fc.integer({ min: 0, max: 90 * seconds }), fc.constant(620 * seconds)),
      fc.integer({ min: 0, max: 10 * seconds }),
    ),
    { minLength: 1, maxLength: 5, size: 'max' },
  )
  .map((rounds): Act[] => {
    const named = (kind: (typeof rounds)[number][0 | 1], fresh: boolean): Act['what'][] => {
      if (kind === 'none') return [];
      if (kind === 'own' || kind === 'uses') return [{ kind: 'own', fresh, uses: kind === 'uses' }];
      if (kind === 'csr') return [{ kind: 'own', fresh, uses: false, csr: 'stays' }];
      if (kind === 'due') return [{ kind: 'own', fresh: false, uses: true, csr: 'due' }];
      if (kind === 'provision') return [{ kind, scope: 'a' }];
      if (kind === 'move' || kind === 'refused')
        return [{ kind: 'provision', scope: kind === 'move' ? 'b' : 'x' }];
      if (kind === 'revoke') return [{ kind: 'rotate', revoke: true }];
      if (kind === 'remove') return [{ kind: 'tamper', how: 'remove', scope: 'a' }];
      return [kind === 'check' ? { kind, forceVerify: false } : { kind }];
    };
    return rounds.flatMap(([first, then, fresh, ms, later]): Act[] => [
      ...named(first, fresh).map((what) => ({ device: 0, afterMs: ms, what })),
      ...named(then, !fresh).map((what) => ({ device: 0, afterMs: later, what })),
    ]);
  });

/** The record of a device with a certificate of the CA is lost, while earlier messages may come again. The device goes on with its certificate. */
const lostSignature = fc
  .tuple(
    fc.array(fc.constantFrom('csr', 'due'), { minLength: 1, maxLength: 3, size: 'max' }),
    fc.integer({ min: 0, max: 30 * seconds }),
    fc.integer({ min: 1 * seconds, max: 60 * seconds }),
    fc.integer({ min: 0, max: 60 * seconds }),
    fc.constantFrom('check', 'verify', 'none'),
  )
  .map(([requests, apart, until, later, then]): Act[] => {
    const named = (kind: (typeof requests)[number]): Act['what'] => ({
      ...{ kind: 'own', fresh: false, uses: kind === 'due' },
      csr: kind === 'due' ? 'due' : 'stays',
    });
    return [
      ...requests.map((kind): Act => ({ device: 0, afterMs: apart, what: named(kind) })),
      { device: 0, afterMs: until, what: { kind: 'poll' } },
      { device: 0, afterMs: later, what: { kind: 'tamper', how: 'lose-record', scope: '' } },
      ...(then === 'none'
        ? []
        : [
            {
              device: 0,
              afterMs: until,
              what: { kind: 'check', forceVerify: then === 'verify' },
            } as const,
          ]),
    ];
  });

/** One device proves its identity, with an issued or an own key. Other callers with the fleet's key request other services. */
const proved = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'a', 'b', 'x', ''),
      fc.constantFrom('a', 'b', 'x', 'own', 'deprovision', 'rotate', 'check', 'operator', 'replay', 'none'),
      fc.boolean(),
      fc.oneof(fc.integer({ min: 0, max: 90 * seconds }), fc.constant(620 * seconds)),
      fc.integer({ min: 0, max: 10 * seconds }),
    ),
    { minLength: 1, maxLength: 6, size: 'max' },
  )
  .map((rounds): Act[] => {
    const named = (kind: (typeof rounds)[number][1]): Act['what'][] => {
      if (kind === 'none') return [];
      if (kind === 'own') return [{ kind, fresh: false, uses: false }];
      if (kind === 'rotate') return [{ kind, revoke: false }];
      if (kind === 'check') return [{ kind, forceVerify: false }];
      if (kind === 'operator') return [{ kind: 'provision', scope: 'b' }];
      if (kind === 'replay') return [{ kind, inMs: 0, service: 'a' }];
      return [kind === 'deprovision' ? { kind } : { kind: 'provision', scope: kind, proof: true }];
    };
    return rounds.flatMap(([scope, of, isFirst, ms, later]): Act[] => {
      const unproved: Act['what'] = { kind: 'provision', scope, proof: false };
      const both = isFirst ? [unproved, ...named(of)] : [...named(of), unproved];
      return both.map((what, i) => ({ device: 0, afterMs: i === 0 ? ms : later, what }));
    });
  });

const sick: fc.Arbitrary<Sick> = fc
  .record({
    device: fc.constantFrom(0, 0, 1),
    dependency: fc.constantFrom('hub', 'balena'),
    how: fc.constantFrom(
      'unavailable',
      'unavailable',
      'unauthorized',
      'rejected',
      'write-refused',
      'write-refused',
    ),
    reads: fc.boolean(),
    forever: fc.boolean(),
  })
  .map((drawn): Sick => {
    if (drawn.how === 'write-refused') return { ...drawn, dependency: 'balena', reads: false };
    return drawn.how === 'unauthorized' ? { ...drawn, reads: true } : drawn;
  });

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.noShrink(fc.integer()),
  acts: fc.oneof(
    { weight: 6, arbitrary: mixed },
    { weight: 2, arbitrary: toAndFro },
    { weight: 2, arbitrary: replayed },
    { weight: 1, arbitrary: restored },
    { weight: 2, arbitrary: refused },
    { weight: 1, arbitrary: lostVariables },
    { weight: 3, arbitrary: ownKeys },
    { weight: 2, arbitrary: proved },
    { weight: 1, arbitrary: lostSignature },
  ),
  workers: fc.integer({ min: 1, max: 3 }),
  calm: fc.constantFrom(false, false, true),
  crashes: fc.constantFrom(0, 0.005, 0.012, 0.05),
  stalls: fc.constantFrom(0, 0.01, 0.01, 0.04),
  failing: fc.constantFrom(0.3, 1, 3),
  stepMs: fc.constantFrom(50, 500, 5_000),
  faultsForMs: fc.integer({ min: 0, max: 600 * seconds }),
  skewMs: fc.constantFrom(0, 2_000),
  perMinute: fc.constantFrom(100, 20, 6),
  maxAttempts: fc.constantFrom(3, 10),
  circuitThreshold: fc.constantFrom(2, 5),
  poison: fc.constantFrom(...Array<null>(20).fill(null), 0),
  audit: fc.boolean(),
  late: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        device: fc.constantFrom(0, 0, 1),
        what: fc.constantFrom('device', 'services'),
        ms: fc.constantFrom(20 * seconds, 90 * seconds, 800 * seconds),
      }),
    },
  ),
  sick: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: sick }),
});
