import { mutantsOf } from '../Mutant.js';

const record = ['test/unit/device/ownKeys.test.ts'];
const run = ['test/unit/provisioning/reconcileOwn.test.ts'];
const accept = ['test/unit/provisioning/acceptOwn.test.ts'];
const certificate = ['test/unit/certificates/own.test.ts'];

export const ownKeyMutants = [
  ...mutantsOf('src/device/request.ts', [
    [
      'own-use-believed',
      'A device has shown its own key only if the hub accepts the named certificate',
      'return isOwn && hubAccepts(observed.hub, uses);',
      'return isOwn;',
      { first: record },
    ],
    [
      'own-use-is-no-request',
      'A device that shows its own key for the first time makes a new request',
      'if (request.own && !desired.own?.handedOver && showsUse(request.own, record)) return false;',
      '',
      { first: record },
    ],
    [
      'own-before-never-accepted',
      'A certificate that the hub never accepted does not replace the one before',
      'return observed.thumbprint === thumbprint || hubAccepts(observed.hub, thumbprint) ? thumbprint : before;',
      'return thumbprint;',
      { first: record },
    ],
    [
      'own-before-of-nobody',
      'Only an own certificate becomes the one before',
      'if (uses !== undefined && (uses === thumbprint || uses === before)) return uses;',
      'if (uses !== undefined) return uses;',
      { first: record },
    ],
    [
      'revoked-own-comes-back',
      'A revoked certificate stays revoked after a DELETE',
      'const { revoke, revokedKeys } = found?.desired ?? {};',
      'const { revoke, revokedKeys } = (keeps && found.desired) || {};',
      { first: ['test/unit/provisioning/accept.test.ts'] },
    ],
  ]),
  ...mutantsOf('src/device/state.ts', [
    [
      'own-with-variables',
      'Variables stay only with an issued certificate',
      'if (issued ? own.handedOver : scopes.length > 0) return false;',
      '',
      { first: record },
    ],
    [
      'own-with-anything',
      'With an own key, the hub accepts nothing that is not known',
      'if (Array.isArray(hub) && hub.some((each) => each !== thumbprint && each !== other)) return false;',
      '',
      { first: record },
    ],
    [
      'handover-without-time',
      'An issued certificate is retired when its time has passed',
      '(until !== null && now >= until)',
      'false',
      { first: run },
    ],
  ]),
  ...mutantsOf('src/device/transitionParts.ts', [
    [
      'failed-check-forgets-handover',
      'A failed check does not lose the check at the end of the handover',
      'return until !== null && until > now ? planRetirement(next, context) : next;',
      'return next;',
      { first: record },
    ],
    [
      'handover-begins-again',
      'The time of an issued certificate begins with the first success',
      'const until = issued.until ?? now + keepIssuedMs;',
      'const until = now + keepIssuedMs;',
      { first: record },
    ],
    [
      'never-handed-over',
      'A device without an issued certificate is handed over with its first success',
      'if (!issued) return { ...record, desired: { ...desired, own: { ...desired.own, handedOver: true } } };',
      'if (!issued) return record;',
      { first: record },
    ],
    [
      'lost-own-key',
      'The message of a lost record brings the own key back',
      'const own = present ? lost.own : undefined;',
      'const own = undefined;',
      { first: record },
    ],
  ]),
  ...mutantsOf('src/device/leaseTransitions.ts', [
    [
      'handover-without-end',
      'A check is planned for the end of the handover',
      '...planRetirement(endCheck(handed, context, ofCheck), context),',
      '...endCheck(handed, context, ofCheck),',
      { first: record },
    ],
    [
      'way-back-keeps-the-time',
      'The way back ends the time of an issued certificate',
      'if (record.desired.own || !record.observed.issued) return record;',
      'if (record) return record;',
      { first: record },
    ],
  ]),
  ...mutantsOf('src/provisioning/reconcileOwn.ts', [
    [
      'issued-retired-at-once',
      'The issued certificate stays until the device is handed over',
      'if (isHandedOver(work, work.now())) return null;',
      'if (work) return null;',
      { first: run },
    ],
    [
      'variables-removed-at-once',
      'The variables of an issued certificate stay with the certificate',
      'if (issued !== null) return readBack(',
      'if (issued === own.thumbprint) return readBack(',
      { first: run },
    ],
    [
      'revoked-own-stays',
      'A revoked certificate does not stay beside an own one',
      ' && !isToRevoke(desired, other)',
      '',
      { first: run },
    ],
    [
      'revoked-own-registered',
      'A revoked own certificate is not registered',
      'if (isRevokedOwn(work.desired, own)) return withdraw(work, issued, other);',
      '',
      { first: run },
    ],
    [
      'other-pair-ends-the-time',
      'Another own certificate does not begin the time of the issued one again',
      'const until = observed.issued?.thumbprint === issued ? (observed.issued?.until ?? null) : null;',
      'const until = null;',
      { first: run },
    ],
  ]),
  ...mutantsOf('src/provisioning/accept.ts', [
    [
      'others-delay-an-own-key',
      'Requests of others cannot keep a device from its own key',
      'const isOfDeviceAlone = request.own || ',
      'const isOfDeviceAlone = ',
      { first: accept },
    ],
    [
      'anybody-replaces-own-key',
      'A request for an issued key needs the proof, if the device has an own key',
      '(desired.own || (desired.proved && !request.announced)) && ',
      'desired.proved && ',
      { first: accept },
    ],
    [
      'webhook-moves-no-proved-device',
      'A webhook has a key of its own, and moves a device that proved itself',
      'desired.proved && !request.announced',
      'desired.proved',
      { first: ['test/unit/provisioning/acceptProved.test.ts'] },
    ],
    [
      'new-key-ends-cool-down',
      'A new certificate does not end the cool-down',
      '(isOfDevice && isSamePlaceAsFailed(request, part))',
      'false',
      { first: accept },
    ],
    [
      'remedy-waits-for-cool-down',
      'A new certificate after a revocation waits for no cool-down',
      "isSamePlace(request, desired) && error?.code !== 'certificate-revoked'",
      'isSamePlace(request, desired)',
      { first: accept },
    ],
    [
      'own-keys-without-limit',
      'A device requests at most three other own keys within half an hour',
      "if (now < nextKeyAt) return { kind: 'too-many-keys', record, retryAt: nextKeyAt };",
      '',
      { first: accept },
    ],
    [
      'revoked-own-accepted',
      'A revoked own certificate is never accepted again',
      "if (isOfDevice && isRevokedOwn(desired, request.own)) return { kind: 'revoked', record };",
      '',
      { first: accept },
    ],
    [
      'revocation-undoes-new-key',
      'A revocation that crosses with another certificate does not bring the one before back',
      'if (!isSameOwn(record.desired.own, request.own)) return { answer: null };',
      '',
      { first: accept },
    ],
  ]),
  ...mutantsOf('src/certificates/own.ts', [
    [
      'own-not-self-signed',
      'An own certificate is signed with its own key',
      'if (!isSignedWithOwnKey(certificate)) throw notSelfSigned();',
      '',
      { first: certificate },
    ],
    [
      'own-with-bytes-behind',
      'An own certificate is exactly one certificate',
      'if (certificate.raw.equals(der)) return certificate;',
      'return certificate;',
      { first: certificate },
    ],
    [
      'own-ca',
      'An own certificate is no CA',
      'if (certificate.ca)',
      'if (!certificate)',
      { first: certificate },
    ],
  ]),
];
