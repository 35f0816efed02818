import { mutantsOf } from '../Mutant.js';

export const throttlingMutants = [
  ...mutantsOf('src/throttling/openRateLimiter.ts', [
    [
      'reservation-given-twice',
      'No reservation is given twice',
      '      reservations.push(Math.round(row.next));\n      row.next += interval;\n',
      '      reservations.push(Math.round(row.next));\n',
    ],
    [
      'reservation-in-the-past',
      'Time that has passed is not given',
      'row.next = Math.max(row.next, now - row.shift);',
      'row.next = Math.max(row.next, 0);',
    ],
    [
      'missed-not-given-again',
      'What was missed is given to the next caller',
      'if (isAhead() && row.usedUntil <= abandonedBefore + shortWaitMs) {',
      'if (isAhead() && row.usedUntil <= 0) {',
    ],
    [
      'charge-costs-nothing',
      'A charged operation takes its place',
      'row.next += charged * interval;',
      'row.next += charged * 0;',
    ],
    [
      'shift-ignored',
      'Throttling moves all reservations',
      'return Math.round(reservation + (await read()).shift);',
      'return Math.round(reservation + (await read()).shift * 0);',
    ],
    [
      'shifts-add-up',
      'Several workers that meet the same throttling wait once',
      'row.shift += Math.max(0, ms - Math.max(0, row.pausedUntil - now));',
      'row.shift += Math.max(0, ms);',
    ],
    [
      'far-reservation-waited-for',
      'A reservation that is far is not waited for in memory',
      'if (wait > (inMemory < mostWaiting ? nearMs : shortWaitMs)) return at;',
      'if (wait > 1e9 + (inMemory < mostWaiting ? nearMs : shortWaitMs)) return at;',
    ],
    [
      'credit-for-ever',
      'A credit ends after five seconds',
      'credits = credits.filter(({ until }) => until > now);',
      'credits = credits.filter(({ until }) => until > now - 1e9);',
    ],
  ]),
  ...mutantsOf('src/throttling/circuitBreaker.ts', [
    [
      'every-run-probes',
      'One run at a time probes an open circuit',
      'if (now < row.until || probing !== null) return later;',
      'if (now < row.until) return later;',
    ],
    [
      'probe-does-not-close',
      'A probe that succeeds closes the circuit',
      'else if (await shared.write({ ...closed, since: clock.now() }, basis))',
      'else if (await shared.write({ ...basis.value, probe: null }, basis))',
    ],
    [
      'failed-probe-closes',
      'A probe that fails leaves the circuit open',
      'if (!succeeded) await shared.write({ ...basis.value, probe: null }, basis);\n        else if',
      'if',
    ],
    [
      'failures-never-forgotten',
      'A success ends the row of failures',
      '        if (succeeded) failuresInARow = 0;\n',
      '',
    ],
    [
      'dead-probe-blocks',
      'A probe that died is forgotten',
      'const probing = row.probe && now < row.probe.until ? row.probe.by : null;',
      'const probing = row.probe ? row.probe.by : null;',
    ],
    [
      'circuit-opens-at-first',
      'One failure does not open the circuit',
      "if (row.state === 'closed' && failuresInARow < threshold && opensCircuit !== 'at-once') return;",
      "if (row.state === 'closed' && failuresInARow < 1 && opensCircuit !== 'at-once') return;\n        void threshold;",
    ],
    [
      'waiting-runs-not-spread',
      'Runs that wait for a circuit are spread',
      'return Math.round(Math.max(now, row.until) + random() * spread);',
      'return Math.round(Math.max(now, row.until) + random() * spread * 0);',
    ],
  ]),
  ...mutantsOf('src/throttling/backOff.ts', [
    [
      'retry-after-ignored',
      'A run comes no sooner than the other side allows',
      'return retryAfterMs === null ? jittered : retryAfterMs + Math.min(jittered, policy.spreadMs);',
      'return retryAfterMs === null ? jittered : Math.min(jittered, policy.spreadMs);',
    ],
    [
      'back-off-not-exponential',
      'The back-off doubles',
      'policy.firstBackOffMs * 2 ** Math.min(retries, 20)',
      'policy.firstBackOffMs * 1 ** Math.min(retries, 20)',
    ],
    [
      'back-off-without-limit',
      'A device waits an hour at most',
      '2 ** Math.min(retries, 20), longestMs);',
      '2 ** Math.min(retries, 20), 100 * longestMs);',
    ],
  ]),
  ...mutantsOf('src/shared/errorPolicy.ts', [
    [
      'refusal-does-not-open-circuit',
      'Refused credentials open the circuit at once',
      "  opensCircuit: 'at-once',\n} as const;",
      "  opensCircuit: 'after-several',\n} as const;",
    ],
    [
      'rejection-tried-again',
      'A rejected request is final',
      'const final = { ...usual, isFinal: true, httpStatus: 422 } as const;',
      'const final = { ...usual, isFinal: false, httpStatus: 422 } as const;',
    ],
    [
      'timeout-repeated-blindly',
      'A call without an answer is not repeated blindly',
      "    ...unavailable,\n    retriedInRun: 'once',\n    countsAsAttempt: 'while-circuits-are-closed',",
      "    ...unavailable,\n    retriedInRun: 'always',\n    countsAsAttempt: 'while-circuits-are-closed',",
    ],
    [
      'unknown-outcome-repeated',
      'A write whose outcome is unknown is not repeated blindly',
      "  retriedInRun: 'unless-outcome-unknown',\n  opensCircuit: 'after-several',",
      "  retriedInRun: 'always',\n  opensCircuit: 'after-several',",
    ],
    [
      'timeout-not-counted',
      'A run that timed out counts as an attempt',
      "    retriedInRun: 'once',\n    countsAsAttempt: 'while-circuits-are-closed',",
      "    retriedInRun: 'once',",
    ],
    [
      'refusal-counted',
      'Refused credentials are not the fault of a device',
      "  fault: 'key',\n  firstBackOffMs",
      "  fault: 'key',\n  countsAsAttempt: 'while-circuits-are-closed',\n  firstBackOffMs",
    ],
  ]),
];
