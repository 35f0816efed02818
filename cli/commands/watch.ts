import { setTimeout } from 'node:timers/promises';
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { OpsApp } from '../../src/openOpsApp.js';
import { readOverview } from '../../src/ops/overview/read.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { jsonText, oneLine, printable, terminalText } from '../../src/shared/printable.js';
import { exitCodes } from '../exitCodes.js';
import { examples, parsePositive } from '../options/common.js';
import { overviewLine, showOverview } from '../output/showOverview.js';
import type { Session } from '../session/session.js';
import type { AddCommand } from './command.js';

export const addWatch: AddCommand = (parent, action) =>
  parent
    .command('watch')
    .summary('show queue, rate, states and failures, live')
    .description(
      'Shows the state of the whole system, the depth of the queue, the rate of registry operations, the devices by state, and the failures. In a terminal the display is live; otherwise each update prints a line. With --json, each update is one line with one JSON document (NDJSON): ' +
        'the state as from watch --once --json, or {"error": {"code", "message"}} for an update that failed.',
    )
    .option('--once', 'show the state once')
    .option('--interval <seconds>', 'time between two updates', parsePositive, 2)
    .addHelpText(
      'after',
      examples(
        'provisioner watch',
        'provisioner watch --once --json | jq .queue',
        'provisioner watch --json --interval 10 >> watch.ndjson # a line per update',
      ),
    )
    .action(
      action(async (session, { once, interval }: { once?: boolean; interval: number }) => {
        const app = await session.app();
        if (once) {
          const overview = await readOverview(app);
          session.printResult(overview, (shown) => showOverview(shown, session.width));
          return;
        }
        // Ctrl-C is the normal way to end this command.
        session.onInterrupt({ code: exitCodes.ok, message: '' });
        const show = display(session);
        for (;;) {
          show(await read(app));
          await setTimeout(interval * 1_000);
        }
      }),
    );

/** Returns an error instead of throwing, because the next update may succeed. */
async function read(app: OpsApp): Promise<Overview | ProvisioningError> {
  try {
    return await readOverview(app);
  } catch (error) {
    if (error instanceof ProvisioningError) return error;
    throw error;
  }
}

function display(session: Session): (update: Overview | ProvisioningError) => void {
  if (!session.json && process.stdout.isTTY) {
    const draw = createLogUpdate(process.stdout);
    session.onClose(() => draw.done());
    let last = '';
    return (update) => {
      if (!(update instanceof ProvisioningError))
        last = terminalText(showOverview(printable(update), process.stdout.columns));
      const errorLine =
        update instanceof ProvisioningError ? `\n${styleText('red', oneLine(update.message))}` : '';
      draw(`${last}${errorLine}\n${styleText('dim', 'Press Ctrl-C to exit.')}`);
    };
  }
  return (update) => {
    if (!(update instanceof ProvisioningError)) session.printResult(update, overviewLine);
    else if (session.json) console.log(jsonText({ error: { code: update.code, message: update.message } }));
    else console.log(oneLine(update.message));
  };
}
