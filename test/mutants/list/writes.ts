import { mutantsOf } from '../Mutant.js';

const worker = { first: ['test/unit/provisioning/worker'] };
const pair = { first: ['test/unit/certificates/'] };
const registry = { first: ['test/integration/iothub/registry'] };
const settlement = { first: ['test/integration/queue/settlement'] };
const redrive = { first: ['test/unit/provisioning/redrive'] };

/** Whose write counts: of records, at the hub, in balena, and in the queue. */
export const writeMutants = [
  ...mutantsOf('src/storage/optimisticUpdate.ts', [
    [
      'own-write-is-a-conflict',
      'A writer recognises its own write that comes back as a conflict',
      '  return isOurs();\n',
      '  return false;\n',
    ],
    [
      'hidden-write-failed',
      'A writer recognises its own write after a lost answer',
      'if (await isOurs()) return true;',
      '',
    ],
  ]),
  ...mutantsOf('src/provisioning/run.ts', [
    [
      'call-after-lease',
      'No call starts after the end of the lease',
      '    if (now >= leaseUntil) throw taken();\n',
      '',
      worker,
    ],
    [
      'hub-call-beyond-work-limit',
      'No call to the hub lasts beyond the work limit',
      'Math.min(timeLeft(), hubCallLimit(settings.workLimitMs, isRepeated))',
      'timeLeft() && hubCallLimit(settings.workLimitMs, isRepeated)',
      worker,
    ],
    [
      'failed-call-is-no-sight-of-the-hub',
      'The record knows when the hub has answered',
      'run.observed.hubSeenAt = clock.now();',
      '',
      worker,
    ],
    [
      'notice-counted-by-two-runs',
      'The notice of a check that follows a run belongs to the check alone',
      'record.check?.again ? null : (record.check?.notice ?? null)',
      'record.check?.notice ?? null',
      worker,
    ],
    [
      'suspect-runs-as-others',
      'A device with an attempt is a suspect',
      'isSuspect: record.attempts > 0',
      'isSuspect: record.attempts > 1e9',
      worker,
    ],
    [
      'lost-renewal-goes-on',
      'A run that has lost its lease ends',
      '    if (!written) throw taken();\n    leaseUntil = until;',
      '    void written;\n    leaseUntil = until;',
      worker,
    ],
  ]),
  ...mutantsOf('src/provisioning/admit.ts', [
    [
      'suspect-admitted-as-others',
      'A device with an attempt is a suspect for the circuits',
      'isSuspect: record.attempts > 0',
      'isSuspect: record.attempts > 1e9',
      worker,
    ],
  ]),
  ...mutantsOf('src/certificates/read.ts', [
    [
      'pair-of-another-device-adopted',
      'The certificate of another device is not adopted',
      "if (!parsed.subject.split('\\n').includes(",
      "if (uuid === '' && !parsed.subject.split('\\n').includes(",
      pair,
    ],
    [
      'half-of-another-pair-adopted',
      'A key that does not match its certificate is no pair',
      'if (!read.parsed.checkPrivateKey(key)) return null;',
      '',
      pair,
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/clear.ts', [
    [
      'foreign-certificate-removed',
      'A certificate of another subject is not ours, and stays',
      'if (certificate !== undefined && !readCertificate(certificate, work.uuid)) continue;',
      'void readCertificate;\n    void certificate;',
    ],
    [
      'removal-clears-at-once',
      'A scope from which a variable was removed is cleared only after the reading back',
      'if (removed.length === 0) work.clearedScopes.add(scope);',
      'work.clearedScopes.add(scope);',
    ],
  ]),
  ...mutantsOf('src/iothub/registry.ts', [
    [
      'newer-identity-replaced',
      'An update names the version that it replaces',
      "'If-Match': ",
      "'If-Match': '*' || ",
      registry,
    ],
    [
      'answer-of-a-proxy-believed',
      'A write is done only if the hub shows the identity',
      'stored?.[0] !== thumbprints[0] || stored[1] !== thumbprints[1]',
      'stored === thumbprints',
      { first: ['test/integration/iothub/errors'] },
    ],
  ]),
  ...mutantsOf('src/queue/settlement.ts', [
    [
      'host-without-settlement',
      'A message that the host cannot dead-letter is dead-lettered over our own connection',
      '      } catch {\n',
      '      } catch (error) {\n        if (error) throw error;\n',
      settlement,
    ],
    [
      'long-reason-refused',
      'A reason is not longer than Service Bus takes',
      'description.slice(0, longest)',
      'description',
      settlement,
    ],
  ]),
  ...mutantsOf('src/queue/deadLetters.ts', [
    [
      'discarded-dead-letter-stays',
      'The dead letter of a discarded job is superseded',
      'return part !== null && !part.job?.discarded;',
      'return part !== null;',
      redrive,
    ],
    [
      'reading-between-two-failures',
      'A record that has failed again between two readings is read once more',
      '(wanted.has(uuid) ? later : withDeadJob)',
      '(wanted.has(uuid) ? withDeadJob : withDeadJob)',
      redrive,
    ],
    [
      'other-request-of-the-same-generation',
      'A dead letter belongs to its own request',
      'part.job?.generation === generation && part.requestId === requestId',
      'part.job?.generation === generation && requestId !== undefined',
      redrive,
    ],
  ]),
  ...mutantsOf('src/queue/publish.ts', [
    [
      'another-job-marked-unsent',
      'Only the job whose message could not be sent is marked',
      'found && messageIdOf(found) === messageIdOf(record) ? publishFailed(found) : null;',
      'found ? publishFailed(found) : null;',
    ],
    [
      'sent-again-with-every-request',
      'A process sends the message of a job once a minute at most',
      'return at !== undefined && clock.now() - at < ',
      'return at !== undefined && clock.now() < -',
    ],
  ]),
  ...mutantsOf('src/provisioning/putOff.ts', [
    [
      'no-pause-for-a-full-queue',
      'A full queue is given a pause before a newer message is delivered again',
      '    await clock.sleep(pauseBeforeThrowMs);\n',
      '    void pauseBeforeThrowMs;\n',
    ],
  ]),
  ...mutantsOf('src/timers/runTimer.ts', [
    [
      'failed-run-is-complete',
      'Only a run that ended well is complete',
      '    await withDeadline(mostMs, run);\n    isComplete = true;',
      '    isComplete = true;\n    await withDeadline(mostMs, run);',
    ],
  ]),
  ...mutantsOf('src/provisioning/callTwice.ts', [
    [
      'work-limit-repeated',
      'A call that the work limit has ended is not repeated',
      '    if (error.dependency !== dependency) throw error;\n',
      '',
      worker,
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/choose.ts', [
    [
      'other-scope-wins',
      'If two scopes hold a pair, the pair of the desired scope stays in use',
      "new Set([desired.service ?? '', ...work.scopes])",
      "new Set([...work.scopes, desired.service ?? ''])",
    ],
  ]),
  ...mutantsOf('src/provisioning/steps/register.ts', [
    ['sha1-stays-accepted', 'A SHA-1 thumbprint does not stay accepted', 'isSha256(each) && ', ''],
  ]),
];
