import { mutantsOf } from '../Mutant.js';

export const stepMutants = [
  ...mutantsOf('src/provisioning/reconcile.ts', [
    [
      'store-before-register',
      'The hub accepts a certificate before the device has it',
      '  await register(work, credentials.thumbprint, held);\n  await store(work, scopedVariables, credentials, held);\n',
      '  await store(work, scopedVariables, credentials, held);\n  await register(work, credentials.thumbprint, held);\n',
    ],
    [
      'other-scopes-kept',
      'Our variables are in one scope only',
      '  await clear(work, device, otherScopes);\n',
      '  void [clear, otherScopes];\n',
    ],
    [
      'identity-of-unknown-removed',
      'The identity of a device that was never seen is not removed',
      'if (work.observed.fleet !== null) await remove(',
      'await remove(',
    ],
    [
      'identity-of-deleted-kept',
      'The identity of a device that is gone is removed',
      'if (work.observed.fleet !== null) await remove(work, async () => null);',
      '',
    ],
    [
      'untracked-scopes-not-recorded',
      'The record knows a scope before a pair is moved from there',
      'if (untrackedScopes.length > 0) await work.recordScopes(untrackedScopes);',
      'void untrackedScopes;',
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/choose.ts', [
    [
      'retired-pair-adopted',
      'A retired pair does not stay in use',
      'pair.thumbprint !== desired.retire && !isDueForRenewal(work, pair)',
      '!isDueForRenewal(work, pair)',
    ],
    [
      'due-pair-adopted',
      'A pair that is due for renewal is replaced',
      'pair.thumbprint !== desired.retire && !isDueForRenewal(work, pair)',
      'pair.thumbprint !== desired.retire',
    ],
    [
      'untracked-pair-ignored',
      'A pair in an unknown scope is adopted',
      'const untracked = tracked.length > 0 ? [] : pairsIn(device.scopes.keys());',
      'const untracked = tracked.slice(0, 0);',
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/register.ts', [
    [
      'held-not-kept',
      'The hub keeps accepting the pair that the device holds',
      'const other = others.find((each) => each && each !== thumbprint && isSha256(each)) ?? thumbprint;',
      'const other = others.find((each) => each === "") ?? thumbprint;',
    ],
    [
      'revoked-kept',
      'A revoked thumbprint does not stay accepted',
      'return [thumbprint, desired.revoke && other === desired.retire ? thumbprint : other];',
      'return [thumbprint, desired.present ? other : thumbprint];',
    ],
    [
      'hub-not-unknown-during-write',
      'Until the hub has answered, its state is unknown',
      "    observed.hub = 'unknown';\n    return typeof known",
      '    return typeof known',
    ],
    [
      'hub-not-asked',
      'A job that verifies asks the hub',
      'let known = work.forceVerify ? await',
      'let known = work.forceVerify && !hubAccepts(observed.hub, thumbprint) ? await',
    ],
    [
      'revoked-identity-stays',
      'A revocation updates the identity though the new thumbprint is accepted',
      ' && !(revoked !== undefined && hubAccepts(observed.hub, revoked));',
      ' && revoked !== thumbprint;',
    ],
    [
      'no-update-after-conflict',
      'An identity that exists is updated',
      'const maxWrites = 2;',
      'const maxWrites = 1;',
    ],
    [
      'disabled-identity-enabled',
      'A disabled identity stays disabled',
      '  if (isDisabled)\n    throw',
      '  if (isDisabled && thumbprints === null)\n    throw',
    ],
    [
      'identity-not-read',
      'An identity without a known version is read before it is replaced',
      "    if (known === 'exists') known = await read(work);",
      "    if (known === 'exists') known = { etag: '*', properties: null };",
    ],
    [
      'properties-forgotten',
      'The record vouches only for an identity with the properties of a new one',
      "properties === null && etag !== '' ? etag : undefined",
      "etag !== '' ? etag : undefined",
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/store.ts', [
    [
      'equal-value-written',
      'An equal value is never written',
      'const writes = wanted.filter(([name, value]) => scopedVariables.variables[name]?.value !== value);',
      'const writes = wanted.filter(([name]) => name);',
    ],
    [
      'half-stored-not-noted',
      'While a pair is half stored, the record has no thumbprint',
      '    observed.thumbprint = null;\n',
      '',
    ],
    [
      'previous-forgotten',
      'The earlier thumbprint is remembered while a pair is stored',
      '    observed.previous =\n      [...held, observed.thumbprint].find((other) => other && other !== thumbprint) ?? observed.previous;\n',
      '',
    ],
    [
      'failed-write-ignored',
      'A write that failed fails the step',
      "      if (result.status === 'rejected') throw result.reason;\n",
      '      void result;\n',
    ],
    [
      'revoked-previous-kept',
      'A revoked thumbprint does not come back at the next rotation',
      '  if (desired.revoke && observed.previous === desired.retire) observed.previous = null;\n',
      '',
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/remove.ts', [
    [
      'identity-kept',
      'A deprovisioned device has no identity',
      '    return hub.remove(work.uuid, ms);',
      '    void hub;\n    void ms;\n    return Promise.resolve();',
    ],
    [
      'identity-after-balena',
      'The identity is removed before balena is asked',
      '  await removeIdentity(work);\n  const device = await find();\n',
      '  const device = await find();\n  await removeIdentity(work);\n',
    ],
    [
      'untracked-pairs-kept',
      'Every pair of a deprovisioned device is removed',
      'new Set([...work.scopes, ...scopesWithPair])',
      'new Set([...work.scopes, ...scopesWithPair.slice(0, 0)])',
    ],
    [
      'recorded-none-believed',
      'A DELETE asks the hub though the record knows no identity',
      "if (desired.present && observed.hub === 'none' && !work.forceVerify) return;",
      "if (observed.hub === 'none' && !work.forceVerify) return;\n  void desired;",
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/validate.ts', [
    [
      'empty-answer-believed',
      'A device is gone only if the key still sees its fleet',
      "    work.notice !== 'fleet-deleted' &&\n",
      "    work.notice !== 'fleet-deleted' &&\n    fleet === '' &&\n",
    ],
    [
      'fleet-not-recorded',
      'The record knows the fleet of the device',
      '    work.observed.fleet = device.fleet;\n',
      '',
    ],
    [
      'missing-scope-tracked',
      'A scope that does not exist leaves the record',
      '      if (!device.scopes.has(scope)) work.clearedScopes.add(scope);\n',
      '      void scope;\n',
    ],
    [
      'any-fleet-served',
      'Only the configured fleets are served',
      'if (fleets && !fleets.includes(device.fleet)) return false;',
      'if (fleets && fleets.length > 1e9) return false;',
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/leaveFleets.ts', [
    [
      'first-sighting-is-enough',
      'The identity of a moved device is kept until a second sweep has missed the device',
      'const enoughSightings = 2;',
      'const enoughSightings = 1;',
    ],
    [
      'sighting-without-sweep',
      'Only the check of a sweep removes the identity of a moved device',
      "if (work.notice === 'outside' && seen >= enoughSightings && !isHandled) {",
      'if (seen + 1 >= enoughSightings && !isHandled) {',
    ],
    [
      'operator-disabled-identity-enabled',
      'Only an identity that this product has disabled is enabled again',
      'if (properties?.statusReason !== unservedReason) return null;',
      'if (properties?.statusReason === undefined) return null;',
    ],
  ]),
  ...mutantsOf('src/provisioning/reconcile.ts', [
    [
      'ended-request-worked-on',
      'A check does not work on a request that an operator has cancelled or discarded',
      '  if (looksOnly) return;\n',
      '',
    ],
  ]),
];
