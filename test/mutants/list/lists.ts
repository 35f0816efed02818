import { mutantsOf } from '../Mutant.js';

const repository = { first: ['test/integration/device/repository'] };
const removal = { first: ['test/unit/provisioning/removeRecords'] };
const worker = { first: ['test/unit/provisioning/worker'] };

export const listMutants = [
  ...mutantsOf('src/device/repository.ts', [
    [
      'simultaneous-changes-meet-conflicts',
      'In one process, the changes of one device take turns',
      'turns.run(uuid, () => amendNow',
      'turns.run(randomUUID(), () => amendNow',
      { first: ['test/unit/device/contention'] },
    ],
    [
      'repeated-requests-take-turns',
      'A caller who changes nothing takes no turn',
      'if (changed === null) return null;',
      '',
      { first: ['test/unit/device/contention'] },
    ],
    [
      'conflict-leaves-rows',
      'A write that meets a conflict removes the rows that it has written',
      'if (etag !== null) await dropUnnamed(added)',
      'if (etag === null) await dropUnnamed(added)',
      { first: ['test/unit/device/contention'] },
    ],
    [
      'conflict-removes-rows-of-a-later-version',
      'A write that meets a conflict leaves the rows that the record names',
      'rows.filter(({ list, row }) => found.value.listed?.[list]?.row !== row)',
      'rows',
      { first: ['test/unit/device/contention'] },
    ],
    [
      'list-row-not-written',
      'The row of a list is written before the record',
      'await Promise.all(added.map(lists.add));\n    const stored',
      'const stored',
      repository,
    ],
    [
      'list-row-kept',
      'The row of a list is removed after the record that does not need the row any more',
      'await drop(dropped);',
      '',
      repository,
    ],
    [
      'list-not-repaired',
      'The safety net writes the rows of a record that was restored by hand',
      'await Promise.all(rowsOf(uuid, listed).map(lists.add));',
      '',
      repository,
    ],
    [
      'changed-record-removed',
      'A record is removed in the version that was read',
      'await table.remove(keyOf(value.uuid), etag);',
      'await table.remove(keyOf(value.uuid));',
      removal,
    ],
  ]),
  ...mutantsOf('src/device/lists.ts', [
    [
      'earlier-time-without-row',
      'A record that needs an earlier time than before gets a new row',
      'place !== undefined && place.at <= at;',
      'place !== undefined;',
      repository,
    ],
  ]),
  ...mutantsOf('src/device/readListed.ts', [
    [
      'young-row-removed',
      'A row that its record does not name stays for an hour: the record may still be written',
      'const abandonedAfterMs = 3_600_000;',
      'const abandonedAfterMs = -1;',
      repository,
    ],
    [
      'row-not-postponed',
      'The reader gives a row the later time of its record',
      'await lists.postpone(row, place.at);\n    return null;',
      'return found;',
      repository,
    ],
  ]),
  ...mutantsOf('src/fleet/listTimes.ts', [
    [
      'removed-while-pending',
      'Nothing that is pending is removed',
      'if (check || lease || late) return null;',
      '',
      removal,
    ],
    [
      'verification-forgotten',
      'A silent device is looked at a week after the last answer of the hub',
      'return Math.min(verification, renewalTime',
      'return Math.max(0, renewalTime',
      { first: ['test/unit/fleet/verifyHub'] },
    ],
  ]),
  ...mutantsOf('src/device/lists.ts', [
    [
      'renewed-certificate-expires',
      'The row of a renewed certificate has the new expiry',
      'const stays = isEarly && (place.at === at || !exactLists.includes(list));',
      'const stays = isEarly && (place.at === at || exactLists.length > 0);',
      { first: ['test/integration/device/repository'] },
    ],
  ]),
  ...mutantsOf('src/provisioning/removeRecords.ts', [
    [
      'present-device-forgotten',
      'The record of a deprovisioned device stays while balena has the device',
      'if (await balena.findDevice(uuid)) return true;',
      '',
      removal,
    ],
    [
      'invisible-device-forgotten',
      'The record of a deprovisioned device stays while our key does not see the fleet',
      'return observed.fleet !== null && !(await balena.seesFleet(observed.fleet));',
      'return false;',
      removal,
    ],
    [
      'removal-beyond-its-deadline',
      'A run of the removal ends at its deadline',
      'callsAtATime, remove, signal);',
      'callsAtATime, remove);',
      removal,
    ],
  ]),
  ...mutantsOf('src/provisioning/worker.ts', [
    [
      'dead-letter-for-unknown-device',
      'A request for a device that balena never had leaves no dead letter',
      'const isUnknown = record.job?.dead?.unknown === true;',
      'const isUnknown = false as boolean;',
      worker,
    ],
    [
      'large-record-tried-for-ever',
      'The work fails for good if the table refuses the record for its size',
      "if (failure.code !== 'record-too-large') throw error;",
      'throw error;',
      worker,
    ],
  ]),
  ...mutantsOf('src/device/transitionParts.ts', [
    [
      'seen-device-unknown',
      'A device that was seen before gets its dead letter',
      'record.desired.present && record.observed.fleet === null;',
      'record.desired.present;',
      worker,
    ],
    [
      'scopes-of-unknown-device',
      'A device that balena never had has no scopes',
      'scopes: isUnknown ? [] : record.scopes,',
      'scopes: record.scopes,',
      worker,
    ],
    [
      'long-notes',
      'Every text in a record is bounded',
      'const note = bounded(event.note);',
      'const { note } = event;',
      worker,
    ],
    [
      'long-errors',
      'Every text in a record is bounded',
      'message: bounded(message), at',
      'message, at',
      worker,
    ],
  ]),
  ...mutantsOf('src/device/leaseTransitions.ts', [
    [
      'large-record-stays-large',
      'A record that the table refuses loses its history',
      'const small = { ...record, history: [], scopes',
      'const small = { ...record, scopes',
      worker,
    ],
  ]),
];
