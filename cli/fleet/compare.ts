import { type HeldCertificate, heldBy } from '../../src/certificates/read.js';
import type { VariableScope } from '../../src/device/record.js';
import type { Summary } from '../../src/device/summary.js';
import type { JoinedDevice } from '../../src/fleet/mergeJoin.js';
import type { Finding, FindingKind, Fix } from './finding.js';

/** One device in all three. */
export interface ComparedDevice extends JoinedDevice {
  /** The thumbprints that its identity lets in; null if the hub has none of that name. */
  accepts: readonly string[] | null;
}

export interface CompareRules {
  /** Where the credentials of a device belong that holds none, and was never asked for. */
  service: VariableScope;
  /** The part of a certificate's life after which it is renewed. */
  renewAt: number;
}

type Disagreements = Generator<[kind: FindingKind, detail: string, fix: Fix]>;
type HeldAt = Map<VariableScope, HeldCertificate>;

const check: Fix = { how: 'check' };
const remove: Fix = { how: 'remove' };
const removeUnknown: Fix = { how: 'remove-unknown' };
const notOurs = byHand('the identity is disabled, or not one of ours');

/**
 * What hub, records and balena disagree about, for one device that nobody works on.
 *
 * @param now Unix ms
 */
export function compare(sides: ComparedDevice, rules: CompareRules, now: number): Finding[] {
  const { uuid, device, record } = sides;
  const fleet = device?.fleet ?? record?.fleet ?? null;
  // A check leaves what was given up alone: what mends it is the replay of its request.
  const failed = device && record?.job ? byHand('its request failed for good: replay it') : null;
  // Someone may have locked the device out: whatever a worker writes enables the identity again.
  const lockedOut = sides.accepts?.length === 0 ? notOurs : null;
  return [...disagreements(sides, rules, now)].map(([kind, detail, fix]) => ({
    kind,
    uuid,
    fleet,
    requestId: record?.requestId ?? null,
    detail,
    fix: lockedOut ?? failed ?? fix,
  }));
}

function* disagreements(
  { device, record, accepts }: ComparedDevice,
  rules: CompareRules,
  now: number,
): Disagreements {
  if (!device) {
    if (record) yield* ofGone(record, accepts);
    else if (accepts) yield* ofStranger();
    return;
  }
  const held = heldBy(device);
  if (record?.operation === 'deprovision') {
    yield* ofUnwanted(held, accepts);
    return;
  }
  // Where its credentials are, or belong.
  const service = record ? (record.service ?? '') : scopeOf(held, rules.service);
  const here = held.get(service);
  if (record) yield* ofKnown(record, service, held, accepts);
  else yield* ofUnknown(service, here, accepts);
  if (here) yield* ofDates(here, rules.renewAt, now, record ? check : { how: 'adopt', service });
}

function scopeOf(held: HeldAt, service: VariableScope): VariableScope {
  return held.has(service) ? service : ([...held.keys()][0] ?? service);
}

/** An identity that neither balena nor a record knows: on a hub that others use as well, it may be theirs. */
function* ofStranger(): Disagreements {
  yield [
    'identity-without-device',
    'The hub has an identity, and our key sees no such device in balena.',
    removeUnknown,
  ];
}

/** A device that balena does not know any more. */
function* ofGone(record: Summary, accepts: ComparedDevice['accepts']): Disagreements {
  if (record.job) {
    yield [
      'dead-record-without-device',
      'Its request failed for good, and balena does not know the device any more.',
      // Never found in a fleet, it may be one that our key does not see, and live on that identity.
      record.fleet === null && accepts ? removeUnknown : remove,
    ];
  } else if (record.operation === 'deprovision') {
    if (accepts) yield identityNotWanted;
  } else if (accepts) {
    yield [
      'identity-without-device',
      'The hub has an identity, and balena does not know the device any more.',
      check,
    ];
  } else {
    const nothingIsLeft = record.hub === 'none' && record.thumbprint === null;
    yield [
      'record-without-device',
      'There is a record, and balena does not know the device any more.',
      nothingIsLeft ? remove : check,
    ];
  }
}

/** A device that is to be deprovisioned. */
function* ofUnwanted(held: HeldAt, accepts: ComparedDevice['accepts']): Disagreements {
  if (accepts) yield identityNotWanted;
  if (held.size > 0) {
    yield ['variables-not-wanted', 'The device was deprovisioned, and still holds a certificate.', check];
  }
}

const identityNotWanted: [FindingKind, string, Fix] = [
  'identity-not-wanted',
  'The device was deprovisioned, and the hub still has its identity.',
  check,
];

/** A device that was never asked for, of the old function for example. */
function* ofUnknown(
  service: VariableScope,
  here: HeldCertificate | undefined,
  accepts: ComparedDevice['accepts'],
): Disagreements {
  const adopt: Fix = { how: 'adopt', service };
  if (!accepts) {
    if (here) yield withoutIdentity(adopt);
    return;
  }
  yield [
    'identity-without-record',
    accepts.length > 0
      ? 'The hub has an identity, and there is no record of the device.'
      : 'The hub has an identity that lets in no certificate, and there is no record of the device.',
    adopt,
  ];
}

/** A device that is to be provisioned. */
function* ofKnown(
  record: Summary,
  service: VariableScope,
  held: HeldAt,
  accepts: ComparedDevice['accepts'],
): Disagreements {
  const where = service === '' ? 'at the device level' : `at ${service}`;
  const here = held.get(service);
  if (!here) {
    yield [
      'variables-missing',
      `The device holds no certificate ${where}, where its record wants one.`,
      check,
    ];
  } else if (here.thumbprint !== record.thumbprint) {
    yield ['variables-differ', `The device holds another certificate ${where} than its record says.`, check];
  }
  if (!accepts) {
    if (here) yield withoutIdentity(check);
    return;
  }
  if (here && !accepts.includes(here.thumbprint) && !accepts.includes(here.sha1)) {
    yield ['variables-not-accepted', 'The hub does not accept the certificate that the device holds.', check];
  }
  const known = new Set([record.thumbprint, record.previous]);
  for (const { thumbprint, sha1 } of held.values()) known.add(thumbprint).add(sha1);
  for (const thumbprint of accepts) {
    if (known.has(thumbprint)) continue;
    yield [
      'thumbprint-not-held',
      `The hub accepts a certificate that no one holds (${thumbprint}).`,
      { how: 'retire', service, thumbprint },
    ];
  }
}

function withoutIdentity(fix: Fix): [FindingKind, string, Fix] {
  return [
    'variables-without-identity',
    'The device holds a certificate, and the hub has no identity for it.',
    fix,
  ];
}

/** Of what is left of a certificate's life past `renewAt`. */
const overduePart = 0.75;

function* ofDates(
  { notBefore, notAfter }: HeldCertificate,
  renewAt: number,
  now: number,
  fix: Fix,
): Disagreements {
  const until = new Date(notAfter).toISOString();
  // Renewals are spread over the first half of what is left past `renewAt`, and tried again daily: by now it was to be renewed.
  const late = notBefore + (notAfter - notBefore) * (renewAt + (1 - renewAt) * overduePart);
  if (now >= notAfter) yield ['certificate-expired', `Its certificate has expired (${until}).`, fix];
  else if (now >= late)
    yield ['certificate-expiring', `Its certificate expires ${until}, and was not renewed.`, fix];
}

function byHand(why: string): Fix {
  return { how: 'by-hand', why };
}
