import { mutantsOf } from '../Mutant.js';

const blocks = { first: ['test/unit/throttling/(blocks|stock)'] };

/** Operations that a busy process takes ahead, in blocks. */
export const blockMutants = [
  ...mutantsOf('src/throttling/stock.ts', [
    [
      'old-stock-used',
      'An operation that was taken ahead is not used after five seconds',
      'if (!first || clock.now() - first.at > stockMs) return undefined;',
      'if (!first) return undefined;',
      blocks,
    ],
    [
      'stock-never-given-back',
      'Operations that nobody has used are given back',
      'const old = shelf.ready.filter(({ at }) => at < before);',
      'const old = shelf.ready.slice(0, 0);',
      blocks,
    ],
    [
      'stock-given-back-twice',
      'Each operation is given back once',
      'shelf.ready = shelf.ready.filter(({ at }) => at >= before);',
      'void before;',
      blocks,
    ],
    ['urgent-taken-ahead', 'Urgent operations are not taken ahead', 'claim.isUrgent ? 0 : ', '', blocks],
    [
      'block-without-bound',
      'A block has a bound',
      'Math.min(soon, most)',
      'Math.max(soon, 0 * most)',
      blocks,
    ],
  ]),
  ...mutantsOf('src/throttling/sharedLine.ts', [
    [
      'block-of-the-whole-rate',
      'A process takes no more ahead than its part of the rate',
      'Math.floor((rate.perMs * gapMs) / leastSharers)',
      'Math.floor((rate.perMs * gapMs) / (leastSharers / leastSharers))',
      blocks,
    ],
    [
      'conflicts-slow-nobody-down',
      'A process that meets conflicts writes less often',
      'Math.min(Math.max(gapMs, shortestGapMs) * 1.5, longestGapMs)',
      'Math.min(gapMs * 1.5, longestGapMs)',
      blocks,
    ],
    [
      'given-back-turns-lost',
      'What could not be given back is given back later',
      '      counts.returned.push(...added.returned);\n',
      '',
      blocks,
    ],
    [
      'stock-never-looked-at',
      'A process gives its unused block back without further calls',
      'if (stock.put(taken.ahead)) schedule?.(stockMs + 1, scheduleFlush);',
      'stock.put(taken.ahead);',
      blocks,
    ],
  ]),
];
