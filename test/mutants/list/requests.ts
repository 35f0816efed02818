import { mutantsOf } from '../Mutant.js';

export const requestMutants = [
  ...mutantsOf('src/provisioning/accept.ts', [
    [
      'checked-for-another',
      'An answer is about the request that it answers',
      'return checked && isSameRequest(request, checked) && isBeingChecked(checked, now)',
      'return checked && isBeingChecked(checked, now)',
    ],
    [
      'delete-swallowed',
      'A DELETE that is answered with 202 is carried out',
      "    if ('answer' in decision) return null;\n",
      "    if ('answer' in decision) return null;\n    if (!decision.request.present && record) {\n      decided = { kind: 'accepted', record } as unknown as D;\n      return null;\n    }\n",
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
      "return { answer: isPending ? { kind: 'accepted', record } : null };",
      'if (isPending) return { answer: null };\n    return { request: { uuid, present: true, service } };',
    ],
    [
      'rotation-undoes-delete',
      'A rotation does not undo a DELETE',
      'if (!record?.desired.present || record.desired.service !== request.service) return { answer: null };',
      'if (!record) return { answer: null };',
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
      'if (failed && now < failed.coolDownUntil)',
      'if (failed && now < 0)',
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
      'return work.unsent === true || (work.generation === firstGeneration && !lease && isOverdue);',
      'return work.generation === firstGeneration && !lease && isOverdue;',
    ],
    [
      'overdue-not-sent-again',
      'A repeated request sends the message of a process that died',
      'return work.unsent === true || (work.generation === firstGeneration && !lease && isOverdue);',
      'void firstGeneration;\n  void lease;\n  void isOverdue;\n  return work.unsent === true;',
    ],
    [
      'no-cool-down-after-refusal',
      'A refused request is not accepted within its cool-down',
      'refused && isSameRequest(request, refused) ? refused : null;',
      'refused && isSameRequest(request, refused) ? null : null;',
    ],
    [
      'no-look',
      'A repeated request of a provisioned device makes a worker look',
      "  return answer.kind === 'already-provisioned' ? look(deps, request, answer.record) : answer;\n",
      '  void look;\n  return answer;\n',
    ],
    [
      'untrue-409-while-mended',
      'While a provisioned device is being checked, the answer is not 409',
      'return check !== null && (check.notBefore === undefined || check.due <= now + soonMs);',
      'return check !== null && check.due < 0 && now > soonMs;',
    ],
    [
      'untrue-409-after-failed-check',
      'After a check that failed, the answer is not 409',
      '  if (now < retryAt)\n    return error ?',
      '  if (now < retryAt)\n    return error && now < 0 ?',
    ],
    [
      'looks-all-the-time',
      'A worker looks at most once a minute',
      'const lookAgainAfterMs = minutes;',
      'const lookAgainAfterMs = 0;',
    ],
  ]),
  ...mutantsOf('src/provisioning/check.ts', [
    [
      'check-not-sent',
      'A check has its message',
      'if (isToSend) await publishOrMarkUnsent(deps, record);',
      'void isToSend;',
    ],
    [
      'unsent-check-not-sent',
      'A check sends a message that could not be sent',
      '(written !== null || record.check?.unsent === true)',
      'written !== null',
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
      'redrive-replays-all',
      'The redrive replays only dead letters that an operator has resent',
      'dead.discarded || !wasResent(dead, message, deadLetter)) return null;',
      'dead.discarded) return null;',
    ],
    [
      'redrive-ignores-refusals',
      'The redrive replays a resent dead letter of a refused request',
      'part === found ? found : refusalReopened(found);',
      'part === found ? found : null;',
    ],
    [
      'redrive-replays-none',
      'A resent dead letter that never reached a worker is replayed',
      '  await takeUpResent(deps, deadLetters);\n',
      '',
    ],
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
      'message-without-retirement',
      'The message carries the thumbprints to retire and to revoke',
      '    ...retirementOf(desired.retire, desired.revoke),\n',
      '    ...retirementOf([], desired.present ? [] : desired.revoke?.slice(0, 0)),\n',
    ],
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
