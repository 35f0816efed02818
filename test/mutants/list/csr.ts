import { mutantsOf } from '../Mutant.js';

const record = ['test/unit/device/ownKeys.test.ts'];
const run = ['test/unit/provisioning/reconcileOwn.test.ts'];
const signing = ['test/unit/provisioning/signing.test.ts'];
const accept = ['test/unit/provisioning/acceptOwn.test.ts'];
const csr = ['test/unit/certificates/csr.test.ts'];
const ca = ['test/unit/certificates/ca.test.ts'];
const keyVault = ['test/integration/certificates/keyVault.test.ts'];

/** Certificate requests, the CA, and the revocation of keys. */
export const csrMutants = [
  ...mutantsOf('src/device/request.ts', [
    [
      'csr-always-new',
      'The same key again gets no new signature before the renewal',
      'return own.certificate !== undefined && !(request.renewal && isDue(own, request.renewal));',
      'return false;',
      { first: record },
    ],
    [
      'csr-never-renewed',
      'The same key gets a new certificate after the renewal',
      '!(request.renewal && isDue(own, request.renewal))',
      'true',
      { first: record },
    ],
    [
      'csr-for-self-signed',
      'A certificate that the device has signed is not the one that the CA signs',
      'own.certificate !== undefined && ',
      '',
      { first: record },
    ],
    [
      'key-of-another',
      'Another key is another request',
      'if (!own || own.key !== request.key) return false;',
      'if (!own) return false;',
      { first: record },
    ],
    [
      'key-not-revoked',
      'A revocation of an own certificate revokes its key',
      'revokedKeys: [...revokedKeys.filter((each) => each !== key), key].slice(-mostRetired),',
      'revokedKeys,',
      { first: record },
    ],
    [
      'other-certificates-of-revoked-key',
      'All certificates of a revoked key are revoked',
      'const others = Object.keys(keys).filter((each) => keys[each] === key && each !== thumbprint);',
      'const others: string[] = [];',
      { first: record },
    ],
    [
      'revoked-keys-without-bound',
      'The list of revoked keys is bounded',
      '.slice(-mostRetired)',
      '',
      { first: record },
    ],
  ]),
  ...mutantsOf('src/device/leaseTransitions.ts', [
    [
      'signed-for-another-key',
      'A certificate is written for the present key only',
      'if (!own || own.thumbprint !== null || own.key !== certificate.key) return null;',
      'if (!own) return null;',
      { first: record },
    ],
    [
      'signed-for-revoked-key',
      'No certificate is written for a key that was revoked meanwhile',
      'if (isRevokedKey(desired, own.key)) return null;',
      '',
      { first: record },
    ],
  ]),
  ...mutantsOf('src/device/state.ts', [
    [
      'revoked-key-is-fine',
      'A device with a revoked key is not in its desired state',
      ' || isRevokedKey(desired, own.key)) return false;',
      ') return false;',
      { first: record },
    ],
    [
      'revoked-key-comes-back',
      'No other certificate of a revoked key is accepted',
      'return isRevokedKey(retirement, own.key) || isToRevoke(retirement, own.thumbprint);',
      'return isToRevoke(retirement, own.thumbprint);',
      { first: accept },
    ],
  ]),
  ...mutantsOf('src/provisioning/reconcileOwn.ts', [
    [
      'keys-forgotten',
      'The keys of the certificates at the hub are known',
      'rememberKeys(work, own, certificate);',
      '',
      { first: run },
    ],
    [
      'issuer-unknown',
      'The record says who has signed',
      "observed.issuer = own.certificate === undefined ? undefined : 'ca';",
      '',
      { first: run },
    ],
  ]),
  ...mutantsOf('src/device/transitions.ts', [
    [
      'lost-signature-not-asked-for',
      'After the loss of the record, a message from before the signature makes the run ask the hub',
      '...(message.own?.thumbprint === null && { forceVerify: true }),',
      '',
      { first: signing },
    ],
  ]),
  ...mutantsOf('src/provisioning/reconcileOwn.ts', [
    [
      'certificate-in-use-cut-off',
      'After the loss of the record, the certificate in use stays',
      'return isInUse ? { ...own, before: newest } : own;',
      'return own;',
      { first: signing },
    ],
    [
      'unknown-key-in-use',
      'After a revocation, no certificate of an unknown key stays',
      ' || desired.revokedKeys !== undefined) return own;',
      ') return own;',
      { first: signing },
    ],
    [
      'issued-certificate-becomes-own',
      'An issued certificate does not become an own one',
      'newest !== undefined && newest !== issued && ',
      'newest !== undefined && ',
      { first: signing },
    ],
  ]),
  ...mutantsOf('src/provisioning/run.ts', [
    [
      'certificate-before-not-recorded',
      'The record knows the certificate that stays beside a new one',
      'signed(found, certificate, own.before)',
      'signed(found, certificate)',
      { first: signing },
    ],
  ]),
  ...mutantsOf('src/provisioning/reconcileOwn.ts', [
    [
      'revocation-waits-for-ca',
      'A revocation does not wait for a CA that cannot sign',
      'if (isFailureOfCa(error) && mayAcceptRevoked(work)) await',
      'if (false) await',
      { first: run },
    ],
    [
      'replaced-run-rejects',
      'A run whose request was replaced changes nothing more',
      'isFailureOfCa(error) && mayAcceptRevoked(work)',
      'mayAcceptRevoked(work)',
      { first: signing },
    ],
  ]),
  ...mutantsOf('src/device/state.ts', [
    [
      'unknown-key-before',
      'A certificate of an unknown key does not stay beside a revoked key',
      'const isRevoked = key === undefined ? isRevokedOwn(desired, own) : isRevokedKey(desired, key);',
      'const isRevoked = key !== undefined && isRevokedKey(desired, key);',
      { first: [...run, ...record] },
    ],
  ]),
  ...mutantsOf('src/device/state.ts', [
    [
      'own-certificate-rotated',
      'Only the device can replace the certificate of its own key',
      'return !isToRevoke(desired, thumbprint) && !acceptsRevoked(desired, hub);',
      'return !isToRetire(desired, thumbprint) && !acceptsRevoked(desired, hub);',
      { first: record },
    ],
  ]),
  ...mutantsOf('src/fleet/rotate.ts', [
    [
      'named-revocation-dropped',
      'A revocation that names its certificate needs no held certificate',
      '(held === null && !revoke)',
      'held === null',
      { first: ['test/unit/fleet/rotate.test.ts'] },
    ],
    [
      'leaked-certificate-before-stays',
      'After a leak, the certificate before a new one is revoked, too',
      'return filter.revoke ? acceptedBefore(summary) : null;',
      'return null;',
      { first: ['test/unit/fleet/rotate.test.ts'] },
    ],
    [
      'replaced-certificate-stays-accepted',
      'A replaced certificate can still be revoked',
      'if (old !== held && !revoke)',
      'if (old !== held)',
      { first: ['test/unit/fleet/rotate.test.ts'] },
    ],
  ]),
  ...mutantsOf('src/certificates/ca/pause.ts', [
    [
      'one-key-stops-the-ca',
      'A failure of one key keeps no other device waiting',
      'if (!isOfCa(failed)) throw error;',
      '',
      { first: ca },
    ],
  ]),
  ...mutantsOf('src/provisioning/run.ts', [
    [
      'superseded-signature-wins',
      'A certificate that no record has is not registered',
      'if (!written) throw replaced();',
      'if (!written) return certificate;',
      { first: signing },
    ],
    [
      'signed-record-lost',
      'After the loss of the record during a run, the certificate stays',
      'run.leased = written;',
      '',
      { first: signing },
    ],
  ]),
  ...mutantsOf('src/certificates/csr.ts', [
    [
      'csr-of-another-device',
      'A request is for this device',
      'if (csr.subject !== ',
      'if (csr.subject === uuid && csr.subject !== ',
      { first: csr },
    ],
    [
      'csr-without-proof-of-key',
      'A request is signed with its own key',
      'if (!verify(hash, signed, publicKey, signature))',
      'if (!signature)',
      { first: csr },
    ],
    [
      'csr-with-large-key',
      'The keys in records are bounded',
      ' || modulusLength > mostRsaBits',
      '',
      { first: csr },
    ],
    [
      'csr-with-bytes-behind',
      'A request is exactly one request',
      'if (signed) return',
      'if (der) return',
      { first: csr },
    ],
  ]),
  ...mutantsOf('src/certificates/publicKey.ts', [
    [
      'key-with-two-hashes',
      'A key has one hash, however it is encoded',
      "return createPublicKey({ key: plain, format: 'jwk' }).export({ type: 'spki', format: 'der' });",
      "return key.export({ type: 'spki', format: 'der' });",
      { first: csr },
    ],
  ]),
  ...mutantsOf('src/certificates/ca/ca.ts', [
    [
      'ca-signature-not-verified',
      'A signature of another key is never used',
      "if (isOfCa(signed.certificate ?? '')) return signed;",
      'return signed;',
      { first: ca },
    ],
    [
      'ca-without-pause',
      'A CA that does not answer is left alone',
      'const signed = await pause.unless(() =>',
      'const signed = await (async (call: () => Promise<OwnCertificate>) => call())(() =>',
      { first: ca },
    ],
    [
      'wait-for-signatures-without-end',
      'The wait for other signatures is part of the time',
      'return await withDeadline(ms, (signal) =>',
      'return await (async (run: (signal: AbortSignal) => Promise<R>) => run(AbortSignal.timeout(1e9)))((signal) =>',
      { first: ca },
    ],
    [
      'ca-signs-at-its-end',
      'A CA signs nothing in its last day',
      'if (notAfter - now < dayMs)',
      'if (notAfter < 0)',
      { first: ca },
    ],
  ]),
  ...mutantsOf('src/certificates/ca/issue.ts', [
    [
      'certificate-outlives-ca',
      'No certificate outlives its CA',
      'Math.min(now + days * dayMs, notAfter)',
      'now + days * dayMs',
      { first: ca },
    ],
  ]),
  ...mutantsOf('src/certificates/ca/keyVaultErrors.ts', [
    [
      'gateway-is-key-vault',
      'The answer of a gateway says nothing about our rights',
      ' || code === undefined',
      '',
      { first: keyVault },
    ],
  ]),
  ...mutantsOf('src/certificates/ca/keyVaultKey.ts', [
    [
      'key-vault-client-fails-for-good',
      'A Key Vault client that cannot be opened fails no request for good',
      'throw mapKeyVaultError(error);',
      'throw error;',
      { first: keyVault },
    ],
    [
      'key-vault-repeats',
      'The SDK repeats no request',
      'retryOptions: { maxRetries: 0 }',
      'retryOptions: { maxRetries: 1 }',
      { first: keyVault },
    ],
  ]),
];
