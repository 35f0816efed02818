import { setTimeout } from 'node:timers/promises';
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { OpsApp } from '../../src/openOpsApp.js';
import { readOverview } from '../../src/ops/overview/read.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { exitCodes } from '../errors.js';
import { examples, parsePositive } from '../options/common.js';
import { overviewLine, showOverview } from '../output/showOverview.js';
import type { Session } from '../session/session.js';
import type { AddCommand } from './command.js';

export const addWatch: AddCommand = (parent, action) =>
  parent
    .command('watch')
    .summary('queue, pace, states and failures, live')
    .description(
      'Shows how deep the queue is, the rate against the pace of the hub, the devices by state, and what fails; in a terminal live, otherwise a line each time.',
    )
    .option('--once', 'once, and no more')
    .option('--interval <seconds>', 'between two looks', parsePositive, 2)
    .addHelpText(
      'after',
      examples(
        'provisioner watch',
        'provisioner watch --once --json | jq .queue',
        'provisioner watch --json --interval 10 >> watch.ndjson # a line each time',
      ),
    )
    .action(
      action(async (session, { once, interval }: { once?: boolean; interval: number }) => {
        const app = await session.app();
        if (once) {
          const overview = await readOverview(app);
          session.answer(overview, () => showOverview(overview, session.width));
          return;
        }
        // The way in which one ends it.
        session.whenStopped({ code: exitCodes.ok, say: '' });
        const show = display(session);
        for (;;) {
          show(await look(app));
          await setTimeout(interval * 1_000);
        }
      }),
    );

/** What there is to see; an error where nothing is, for the next look may be better. */
async function look(app: OpsApp): Promise<Overview | ProvisioningError> {
  try {
    return await readOverview(app);
  } catch (error) {
    if (error instanceof ProvisioningError) return error;
    throw error;
  }
}

function display(session: Session): (seen: Overview | ProvisioningError) => void {
  if (!session.json && process.stdout.isTTY) {
    const draw = createLogUpdate(process.stdout);
    session.atEnd(() => draw.done());
    let last = '';
    return (seen) => {
      if (!(seen instanceof ProvisioningError)) last = showOverview(seen, process.stdout.columns);
      const trouble = seen instanceof ProvisioningError ? `\n${styleText('red', seen.message)}` : '';
      draw(`${last}${trouble}\n${styleText('dim', 'Ctrl-C ends this.')}`);
    };
  }
  return (seen) => {
    if (!(seen instanceof ProvisioningError)) session.answer(seen, () => overviewLine(seen));
    else if (session.json) console.log(JSON.stringify({ error: { code: seen.code, message: seen.message } }));
    else console.log(seen.message);
  };
}
