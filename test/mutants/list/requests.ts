import { mutantsOf } from '../Mutant.js';

export const requestMutants = [
  ...mutantsOf('src/provisioning/accept.ts', [
    [
      'delete-swallowed',
      'A DELETE that is answered with 202 is carried out',
      '    if (decided !== undefined) return null;\n',
      "    if (!request.present && record) decided = { kind: 'accepted', record } as unknown as D;\n    if (decided !== undefined) return null;\n",
    ],
    [
      'answered-before-sent',
      'The message is in the queue before the request is answered',
      '    await publishAndRemember(deps, written);\n',
      '    void publishAndRemember(deps, written).catch(() => {});\n',
    ],
    [
      'accept-new-overrides',
      'An event "created" changes nothing for a device that was requested before',
      "return record.desired.present && hasPendingChange(record) ? { kind: 'accepted', record } : null;",
      'return record.desired.present ? null : undefined;',
    ],
    [
      'rotation-undoes-delete',
      'A rotation does not undo a DELETE',
      'if (!record?.desired.present || record.desired.service !== request.service) return null;',
      'if (!record) return null;',
    ],
    [
      'repeated-request-writes',
      'A repeated request joins the pending change',
      'if (same && hasPendingChange(record) && !waitsForBulkAction(record, now))',
      'if (same && hasPendingChange(record) && waitsForBulkAction(record, now))',
    ],
    [
      'already-provisioned-ignores-state',
      'Only a device in its desired state is already provisioned',
      'if (same && !job?.dead && isInDesiredState(record))',
      'if (same && !job?.dead)',
    ],
    [
      'no-cool-down',
      'A request that failed for good is not accepted within its cool-down',
      'if (same && job?.dead && now < record.coolDownUntil)',
      'if (same && job?.dead && now < 0)',
    ],
    [
      'no-service-conflict',
      'A device does not move twice within ten minutes',
      'now - desired.movedAt < moveAgainAfterMs)',
      'now - desired.movedAt < 0)',
    ],
    [
      'failed-move-counts',
      'A move that failed for good does not keep the device from another service',
      'desired.service !== request.service && !job?.dead;',
      'desired.service !== request.service;',
    ],
    [
      'unsent-not-sent-again',
      'A repeated request sends a message that could not be sent',
      'return job.unsent === true || (job.generation === firstGeneration && !lease && isOverdue);',
      'return job.generation === firstGeneration && !lease && isOverdue;',
    ],
    [
      'overdue-not-sent-again',
      'A repeated request sends the message of a process that died',
      'return job.unsent === true || (job.generation === firstGeneration && !lease && isOverdue);',
      'return job.unsent === true;',
    ],
    [
      'not-verified-after-ten-minutes',
      'A device that says it is provisioned is checked after ten minutes',
      '    await requestCheck(deps, record.uuid).catch(() => {});\n',
      '',
    ],
  ]),
  ...mutantsOf('src/provisioning/check.ts', [
    [
      'check-not-sent',
      'A check has its message',
      'if (pending && isCheckNext(pending)) await publishOrMarkUnsent(deps, pending);',
      'void pending;',
    ],
    [
      'unsent-check-not-sent',
      'A check sends a message that could not be sent',
      'const pending = written ?? unsent;',
      'void unsent;\n  const pending = written;',
    ],
    [
      'check-makes-record',
      'A check changes nothing for a device that nobody requested',
      '    if (!record) return null;\n',
      '    if (!record) throw new Error("no record");\n',
    ],
  ]),
  ...mutantsOf('src/provisioning/redrive.ts', [
    [
      'redrive-sends-nothing',
      'The timer sends the messages of overdue jobs',
      'if (sending.push(send(record)) >= sendsAtATime) await sendAll();',
      'void record;',
    ],
    [
      'redrive-always-sends',
      'A long backlog is not sent over and over',
      'return lateMs - power < sinceLastMs;',
      'return lateMs >= power || sinceLastMs < 0;',
    ],
    [
      'redrive-stops-at-failure',
      'A message that cannot be sent does not keep the others',
      'if (failures.length >= sendsAtATime) throw failures[0];',
      'if (failures.length > 0) throw failures[0];',
    ],
    [
      'superseded-dead-letters-stay',
      'Superseded dead letters are removed',
      '.filter(({ superseded, deadLetter }) => superseded || unwanted',
      '.filter(({ deadLetter }) => unwanted',
    ],
  ]),
  ...mutantsOf('src/queue/publish.ts', [
    [
      'copy-without-own-id',
      'A copy of a message has an id of its own',
      'await queue.send({ ...message, due: at }, { messageId, at });',
      "await queue.send({ ...message, due: at }, { messageId: messageId.replace(/~.*/, ''), at });",
    ],
    [
      'dead-job-published',
      'The message of a dead job is not sent',
      'const work = pendingWork(record);\n  if (!work) return;',
      'const work = pendingWork(record) ?? record.job;\n  if (!work) return;',
    ],
    [
      'message-due-in-the-past',
      'A message is never due in the past',
      'due: Math.max(work.due, clock.now()),',
      'due: work.due,',
    ],
    [
      'failed-send-not-marked',
      'A job whose message could not be sent is marked',
      '    await deps.records.amend(record.uuid, mark).catch(() => {});\n',
      '    void mark;\n',
    ],
  ]),
];
