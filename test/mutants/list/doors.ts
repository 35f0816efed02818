import { mutantsOf } from '../Mutant.js';

const proof = { first: ['test/integration/http/deviceProof'] };
const checkLimit = { first: ['test/unit/http/proof/checkLimit'] };
const fleets = { first: ['test/unit/http/proof/fleets'] };
const signIn = { first: ['test/unit/http/signIn/'] };
const provision = { first: ['test/unit/http/answerProvision'] };
const webhook = { first: ['test/unit/http/webhook/answer'] };
const verify = { first: ['test/unit/http/webhook/verify'] };

/** Who passes the doors: devices with a proof, operators who have signed in, and senders of webhooks. */
export const doorMutants = [
  ...mutantsOf('src/http/proof/deviceProof.ts', [
    [
      'key-of-another-device-proves',
      'Only the own API key of the device is a proof',
      "actor.actorType === 'device' && actor.uuid?.toLowerCase() === uuid",
      "actor.actorType === 'device'",
      proof,
    ],
    [
      'key-of-a-user-proves',
      'The key of a user or of a fleet is no proof',
      "actor.actorType === 'device' && actor.uuid?.toLowerCase() === uuid",
      'actor.uuid?.toLowerCase() === uuid',
      proof,
    ],
    [
      'proof-for-every-device',
      'A proof of one device is worth nothing for another device',
      "createHash('sha256').update(",
      "createHash('sha256').update(key).update('' && ",
      proof,
    ],
    [
      'unserved-fleet-proves',
      'Only devices of served fleets pass',
      '(fleets === null || fleets.includes(fleet))',
      'fleets !== undefined',
      proof,
    ],
    [
      'revoked-key-proves-for-a-day',
      'A revoked key is accepted for a minute at most',
      'openMemory<Verdict>(clock, rememberedMs, mostAccepted)',
      'openMemory<Verdict>(clock, knownMs, mostAccepted)',
      proof,
    ],
    [
      'own-key-without-proof',
      'A request about an own key needs the proof, whatever DEVICE_PROOF says',
      "need === 'always' || mode === 'required'",
      "mode === 'required'",
      proof,
    ],
    [
      'outage-refuses-devices',
      'While balena does not answer, no proof is wrong',
      "if (ProvisioningError.from(error).code === 'balena-unauthorized') return false;",
      'if (error) return false;',
      proof,
    ],
    [
      'invented-proofs-delay-known-devices',
      'Invented proofs do not delay a device that has proved its identity within the last day',
      "known.get(hash) ? 'known' : 'unknown'",
      "known.get(hash) ? 'unknown' : 'unknown'",
      proof,
    ],
    [
      'each-request-checked',
      'Concurrent requests of a device share one check',
      'pending.get(hash) ?? check(',
      'check(',
      proof,
    ],
  ]),
  ...mutantsOf('src/http/proof/fleets.ts', [
    [
      'fleets-read-one-by-one',
      'One request reads the fleets of all devices that wait',
      'slice(0, mostUuids)',
      'slice(0, 1)',
      fleets,
    ],
    [
      'fleets-read-without-pause',
      'The fleets are read twice a second at most',
      '      next += gapMs;\n',
      '',
      fleets,
    ],
    [
      'line-of-fleets-without-end',
      'The line of devices whose fleets are read is bounded',
      'waiting.size >= mostWaiting',
      'waiting.size >= 1e9',
      fleets,
    ],
    [
      'failed-reading-never-ends',
      'A reading of fleets that fails is answered',
      'for (const [, { reject }] of batch) reject(error);',
      'void error;',
      fleets,
    ],
  ]),
  ...mutantsOf('src/http/proof/checkLimit.ts', [
    [
      'checks-without-rate',
      'Proofs are checked at a bounded rate',
      '        next += intervalMs;\n',
      '',
      checkLimit,
    ],
    [
      'all-checks-at-once',
      'The number of checks at the same time is bounded',
      'running < mostAtATime && ',
      '',
      checkLimit,
    ],
  ]),
  ...mutantsOf('src/http/proof/waitingProofs.ts', [
    [
      'one-device-fills-the-line-of-proofs',
      'A few proofs of one device wait at a time',
      'waiters.length >= mostOfOne || ',
      '',
      checkLimit,
    ],
    [
      'line-of-proofs-without-end',
      'A proof whose turn is too far away is refused at once',
      'waiting.size >= mostDevices',
      'waiting.size >= 1e9',
      checkLimit,
    ],
    [
      'proof-waits-for-ever',
      'A proof that has waited for three seconds is refused',
      'waiters[0].until <= clock.now()',
      'waiters[0].until < 0',
      checkLimit,
    ],
  ]),
  ...mutantsOf('src/http/proof/throttle.ts', [
    [
      'proofs-checked-while-throttled',
      'No proof is checked while balena throttles the checks',
      'Math.max(ofAll, (hash && ofKey.get(hash)) || 0)',
      'Math.max(0, (hash && ofKey.get(hash)) || 0)',
      proof,
    ],
  ]),
  ...mutantsOf('src/http/provision/handle.ts', [
    [
      'own-key-accepted-unproved',
      'A request about an own key demands the proof',
      "wanted.own && 'always'",
      'wanted.own && undefined',
      provision,
    ],
    [
      'proof-waits-for-invented-uuids',
      'A device that proves its identity is accepted, however many invented UUIDs wait',
      'roved) await refuseIfLineIsFull(',
      'roved || deps) await refuseIfLineIsFull(',
      provision,
    ],
  ]),
  ...mutantsOf('src/http/signIn/answer.ts', [
    [
      'forged-header-believed',
      'The header is believed only while App Service Authentication is on',
      'return signIn?.isPlatformOn === true;',
      'return signIn !== null;',
      signIn,
    ],
    [
      'form-of-another-site-acts',
      'Only the page of the operators sends requests',
      'request.headers.get(pageHeader) === null || ',
      '',
      signIn,
    ],
    [
      'looking-acts',
      'The role for looking does not act',
      "request.method === 'GET' ? !principal.mayLook : !principal.mayAct",
      '!principal.mayLook',
      signIn,
    ],
    [
      'audit-has-another-name',
      'The audit has the name of the user, whatever the request says',
      'answerOps(deps, request, principal.name)',
      'answerOps(deps, request)',
      signIn,
    ],
  ]),
  ...mutantsOf('src/http/signIn/principal.ts', [
    [
      'any-tenant-signs-in',
      'Only users of our tenant are signed in',
      'tenants.some((each) => each.toLowerCase() !== tenant)',
      'tenants.every((each) => each.toLowerCase() !== tenant)',
      signIn,
    ],
    [
      'any-identity-provider-signs-in',
      'Only Microsoft Entra signs users in',
      " || parsed.data.auth_typ !== 'aad'",
      '',
      signIn,
    ],
  ]),
  ...mutantsOf('src/http/webhook/verify.ts', [
    [
      'unsigned-id-believed',
      'Only a signature makes the id of a webhook trustworthy',
      'if (hasToken(secrets, headers)) return null;',
      "if (hasToken(secrets, headers)) return headers.get('webhook-id');",
      verify,
    ],
    [
      'token-beside-wrong-signature',
      'A wrong signature is not saved by another proof',
      '} else if (isSigned(',
      '} else if (hasToken(secrets, headers) || isSigned(',
      verify,
    ],
  ]),
  ...mutantsOf('src/http/webhook/answer.ts', [
    [
      'repeated-webhook-handled-again',
      'A repeated webhook gets the first answer again',
      'if (earlier) return earlier;',
      'void earlier;',
      webhook,
    ],
    [
      'webhook-remembered-before-handled',
      'A webhook is remembered only after its request is stored',
      '    const outcome = await handleEvent(',
      "    if (webhook) await deps.handledWebhooks.add(webhook, { outcome: 'ignored', message: '' });\n    const outcome = await handleEvent(",
      webhook,
    ],
  ]),
  ...mutantsOf('src/http/webhook/handled.ts', [
    [
      'webhook-known-by-its-id-alone',
      'Only id and body together identify a webhook',
      'JSON.stringify([id, body])',
      'JSON.stringify([id, typeof body])',
      { first: ['test/integration/http/webhook/handled'] },
    ],
  ]),
  ...mutantsOf('src/http/provision/state.ts', [
    [
      'state-without-proof',
      'Without the proof, nobody learns which devices exist',
      "deps.proof(uuid, request.headers.get('authorization'))",
      'Promise.resolve(true)',
      { first: ['test/unit/http/answerState'] },
    ],
  ]),
];
