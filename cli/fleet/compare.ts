import { foreignServicesOf, type HeldCertificate, heldBy } from '../../src/certificates/read.js';
import type { VariableScope } from '../../src/device/record.js';
import type { Summary } from '../../src/device/summary.js';
import type { EpochMs } from '../../src/shared/time.js';
import type { ComparedDevice, CompareRules, Finding, FindingKind, Fix } from './finding.js';

type Disagreements = Generator<[kind: FindingKind, detail: string, fix: Fix]>;
type HeldAt = Map<VariableScope, HeldCertificate>;

const check: Fix = { how: 'check' };
const remove: Fix = { how: 'remove' };
const removeUnknown: Fix = { how: 'remove-unknown' };
const disabledIdentity = byHand('the identity is disabled, or does not use thumbprints');

/** Finds all disagreements about one device. The caller excludes devices with pending work. */
export function compare(sources: ComparedDevice, rules: CompareRules, now: EpochMs): Finding[] {
  const { uuid, device, record } = sources;
  const fleet = device?.fleet ?? record?.fleet ?? null;
  // A check takes up a failed request again, but not a request that an operator has ended.
  const isEnded = record?.job?.cancelled || record?.job?.discarded;
  const ended =
    device && isEnded ? byHand('the request was cancelled or discarded: replay or repeat the request') : null;
  // An operator may have disabled the identity on purpose. A worker leaves a disabled identity alone (`hub-device-disabled`).
  const disabled = sources.accepts?.length === 0 ? disabledIdentity : null;
  return [...disagreements(sources, rules, now)].map(([kind, detail, fix]) => ({
    kind,
    uuid,
    fleet,
    requestId: record?.requestId ?? null,
    detail,
    fix: disabled ?? ended ?? fix,
  }));
}

function* disagreements(
  { device, record, accepts }: ComparedDevice,
  rules: CompareRules,
  now: EpochMs,
): Disagreements {
  if (!device) {
    if (record) yield* goneDevice(record, accepts);
    else if (accepts) yield* unknownIdentity();
    return;
  }
  const held = heldBy(device);
  const fixForeign: Fix = record ? check : { how: 'adopt', service: scopeOf(held, rules.service) };
  for (const service of foreignServicesOf(device)) yield inForeignService(service, fixForeign);
  if (record?.operation === 'deprovision') {
    yield* deprovisionedDevice(held, accepts);
    return;
  }
  if (record?.key === 'device') {
    yield* ownKeyDevice(record, held, accepts);
    yield* certificateDates(record, rules.renewAt, now, onlyTheDevice);
    return;
  }
  // The scope of the credentials: the desired scope, or without a record the present scope.
  const service = record ? (record.service ?? '') : scopeOf(held, rules.service);
  const here = held.get(service);
  if (record) yield* provisionedDevice(record, service, held, accepts);
  else yield* deviceWithoutRecord(service, here, accepts);
  if (here) yield* certificateDates(here, rules.renewAt, now, record ? check : { how: 'adopt', service });
}

function scopeOf(held: HeldAt, service: VariableScope): VariableScope {
  return held.has(service) ? service : ([...held.keys()][0] ?? service);
}

/** An identity without a device and without a record. Another owner may use the same hub, so an operator must agree to the removal. */
function* unknownIdentity(): Disagreements {
  yield [
    'identity-without-device',
    'The hub has an identity, but the key sees no such device in balena.',
    removeUnknown,
  ];
}

/** A record whose device is missing in balena. */
function* goneDevice(record: Summary, accepts: ComparedDevice['accepts']): Disagreements {
  if (record.job) {
    yield [
      'dead-record-without-device',
      'The request failed for good, and balena does not know the device any more.',
      // A device without a known fleet may be in a fleet outside the key's view, and may still use the identity.
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
    const isRemoved = record.hub === 'none' && record.thumbprint === null;
    yield [
      'record-without-device',
      'There is a record, and balena does not know the device any more.',
      isRemoved ? remove : check,
    ];
  }
}

/** A device with the desired state absent. */
function* deprovisionedDevice(held: HeldAt, accepts: ComparedDevice['accepts']): Disagreements {
  if (accepts) yield identityNotWanted;
  if (held.size > 0) {
    yield ['variables-not-wanted', 'The device was deprovisioned, but still holds a certificate.', check];
  }
}

const identityNotWanted: [FindingKind, string, Fix] = [
  'identity-not-wanted',
  'The device was deprovisioned, but the hub still has an identity.',
  check,
];

/** A device without a record, for example a device of the provisioning function before this product. */
function* deviceWithoutRecord(
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
      ? 'The hub has an identity, but the device has no record.'
      : 'The hub has an identity without a thumbprint, and the device has no record.',
    adopt,
  ];
}

/** A device with the desired state present. */
function* provisionedDevice(
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
      `The device holds no certificate ${where}, the desired scope of the record.`,
      check,
    ];
  } else if (here.thumbprint !== record.thumbprint) {
    yield [
      'variables-differ',
      `The certificate of the device ${where} is not the certificate in the record.`,
      check,
    ];
  }
  if (!accepts) {
    if (here) yield withoutIdentity(check);
    return;
  }
  if (here && !accepts.includes(here.thumbprint) && !accepts.includes(here.sha1)) {
    yield ['variables-not-accepted', 'The hub does not accept the certificate of the device.', check];
  }
  const known = new Set([record.thumbprint, record.previous]);
  for (const { thumbprint, sha1 } of held.values()) known.add(thumbprint).add(sha1);
  for (const thumbprint of accepts) {
    if (known.has(thumbprint)) continue;
    yield unknownThumbprint(thumbprint, { how: 'retire', service, thumbprint });
  }
}

/** A device with an own key. Balena has nothing, unless an issued certificate stays. */
function* ownKeyDevice(record: Summary, held: HeldAt, accepts: ComparedDevice['accepts']): Disagreements {
  const { thumbprint, previous, issued } = record;
  if (held.size > 0 && !issued)
    yield [
      'variables-not-wanted',
      'The device has an own key, but still holds an issued certificate.',
      check,
    ];
  if (thumbprint !== null && !accepts?.includes(thumbprint))
    yield ['own-key-not-accepted', "The hub does not accept the certificate of the device's own key.", check];
  const known = [thumbprint, previous, issued?.thumbprint];
  for (const each of accepts ?? [])
    if (!known.includes(each))
      yield unknownThumbprint(each, { how: 'retire', service: null, thumbprint: each });
}

function unknownThumbprint(thumbprint: string, fix: Fix): [FindingKind, string, Fix] {
  return ['thumbprint-not-held', `The hub accepts an unknown certificate (${thumbprint}).`, fix];
}

const onlyTheDevice = byHand('only the device can replace the certificate of its own key');

function inForeignService(service: string, fix: Fix): [FindingKind, string, Fix] {
  return [
    'variables-in-foreign-service',
    `Credentials of the device are in a service "${service}" of another application than the device's fleet, for example of the host OS.`,
    fix,
  ];
}

function withoutIdentity(fix: Fix): [FindingKind, string, Fix] {
  return [
    'variables-without-identity',
    'The device holds a certificate, but the hub has no identity of the device.',
    fix,
  ];
}

/** After this fraction of the lifetime that remains at `renewAt`, a missing renewal is a finding. */
const latePart = 0.75;

function* certificateDates(
  { notBefore, notAfter }: { notBefore: EpochMs | null; notAfter: EpochMs | null },
  renewAt: number,
  now: EpochMs,
  fix: Fix,
): Disagreements {
  if (notBefore === null || notAfter === null) return;
  const until = new Date(notAfter).toISOString();
  // Renewals are spread over the first half of that time, and failed renewals are repeated daily. After three quarters a renewal is late.
  const late = notBefore + (notAfter - notBefore) * (renewAt + (1 - renewAt) * latePart);
  if (now >= notAfter) yield ['certificate-expired', `The certificate expired on ${until}.`, fix];
  else if (now >= late)
    yield ['certificate-expiring', `The certificate expires on ${until}, and was not renewed.`, fix];
}

function byHand(why: string): Fix {
  return { how: 'by-hand', why };
}
