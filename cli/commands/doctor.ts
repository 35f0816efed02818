import { styleText } from 'node:util';
import { printable, terminalText } from '../../src/shared/printable.js';
import type { Check } from '../doctor/check.js';
import { proofVariable } from '../doctor/proveWrite.js';
import { verdict } from '../doctor/verdict.js';
import { exitCodes } from '../exitCodes.js';
import { examples } from '../options/common.js';
import { showStatus } from '../output/showStatus.js';
import { wrap } from '../output/text.js';
import type { AddCommand } from './command.js';

const marks = { ok: ['green', '✓'], warning: ['yellow', '!'], failed: ['red', '✗'] } as const;
const nameWidth = 18;

export const addDoctor: AddCommand = (parent, action) =>
  parent
    .command('doctor')
    .summary('check every setting, connection and right')
    .description(
      'Checks every setting, connection and right, and names the next step for each fault. Without --prove-write the command changes nothing. The checks cost two registry operations of the hub, some requests to balena, and a signature of the CA if one is configured.',
    )
    .option(
      '--prove-write',
      `also prove the right to write: make, change and remove the variable ${proofVariable} on one device of each fleet. The device is offline if possible, because the services of an online device restart. A variable that an interrupted proof left is removed by the next proof`,
    )
    .addHelpText(
      'after',
      examples(
        'provisioner doctor',
        'provisioner doctor --prove-write',
        'provisioner doctor --json | jq ".checks[] | select(.level != \\"ok\\")"',
      ),
    )
    .action(
      action(async (session, { proveWrite = false }: { proveWrite?: boolean }) => {
        const { settings } = await session.system();
        const [{ runChecks }, { readSystem }] = await Promise.all([
          import('../doctor/runChecks.js'),
          import('../doctor/readSystem.js'),
        ]);
        const system = await readSystem(settings);
        if (system && !session.json)
          console.log(terminalText(`${showStatus(printable(system), session.width)}\n`));
        const checks: Check[] = [];
        for await (const check of runChecks(settings, proveWrite)) {
          checks.push(check);
          if (!session.json) console.log(terminalText(checkLine(printable(check), session.width)));
        }
        const count = (level: Check['level']) => checks.filter((check) => check.level === level).length;
        const healthy = count('failed') === 0;
        session.printResult(
          { ok: healthy, system, checks },
          () => `\n${verdict(count('failed'), count('warning'))}`,
        );
        return healthy ? exitCodes.ok : exitCodes.problems;
      }),
    );

function checkLine({ name, level, detail, todo }: Check, width: number): string {
  const [color, mark] = marks[level];
  const indent = ' '.repeat(nameWidth + 4);
  const text = wrap(
    todo === null ? detail : `${detail.replace(/\.$/, '')}. To do: ${todo}`,
    width - indent.length,
  );
  return `${styleText(color, mark)} ${name.padEnd(nameWidth)}  ${text.replaceAll('\n', `\n${indent}`)}`;
}
