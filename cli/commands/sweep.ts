import { describeGuarded } from '../../src/fleet/massDeletionGuard.js';
import { planSweep, type SweepProgress, sweep } from '../../src/fleet/sweep.js';
import type { SweepItem } from '../../src/fleet/sweepRules.js';
import type { AddCommand } from '../AddCommand.js';
import { CliError } from '../CliError.js';
import { type ExitCode, exitCodes } from '../exitCodes.js';
import { examples } from '../options/examples.js';
import { counted } from '../output/plural.js';

interface SweepOptions {
  fleet?: string[];
  service?: string;
  allowGone?: boolean;
  dryRun?: boolean;
}

export const addSweep: AddCommand = (parent, action) =>
  parent
    .command('sweep')
    .summary('find what was never asked for, or got lost')
    .description(
      'Asks for devices that hold no credentials and have no record, and has workers look at those that are gone from balena, or do not hold what the record says. The timer does the same (SWEEP_SCHEDULE).\n\n' +
        'Where more than a tenth of a fleet, and more than 20, look gone, those are left alone, and the exit code is 1, unless --allow-gone is given.',
    )
    .option('--fleet <slugs...>', 'these fleets (default: FLEETS)')
    .option('--service <name>', 'where the variables of new devices go (default: DEFAULT_SERVICE)')
    .option('--allow-gone', 'the devices are gone, however many: the fleet was emptied on purpose')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText(
      'after',
      examples('provisioner sweep --dry-run', 'provisioner sweep --fleet my_org/one my_org/two --json'),
    )
    .action(
      action(async (session, options: SweepOptions) => {
        const app = await session.fleetApp();
        const fleets = options.fleet ?? app.config.fleets;
        const { allowGone = false } = options;
        const service = options.service ?? app.config.defaultService;
        if (!fleets)
          throw new CliError(
            'no-fleets',
            exitCodes.wrongUsage,
            'Name the fleets with --fleet, or set FLEETS.',
          );
        let progress: SweepProgress | undefined;
        if (options.dryRun) {
          const items: SweepItem[] = [];
          const onProgress = (so: SweepProgress) => {
            progress = so;
          };
          for await (const item of planSweep(app, { fleets, service, allowGone, onProgress }))
            items.push(item);
          session.answer({ ...progress, items }, () =>
            [...items.map(itemLine), summary(progress, 'would be')].join('\n'),
          );
          return exitCodeOf(progress);
        }
        const signal = session.stopGently();
        const report = await sweep(app, { fleets, service, allowGone, signal });
        session.answer(report, () =>
          report.finished
            ? summary(report, 'were')
            : `${summary(report, 'were')}\nInterrupted: run it again.`,
        );
        return signal.aborted ? exitCodes.interrupted : exitCodeOf(report);
      }),
    );

function exitCodeOf(report: SweepProgress | undefined): ExitCode {
  return report && report.held.length > 0 ? exitCodes.notWell : exitCodes.ok;
}

function itemLine(item: SweepItem): string {
  return `${item.uuid}  ${item.act === 'request' ? 'ask for it' : `look at it: ${item.why}`}  ${item.fleet ?? ''}`.trimEnd();
}

function summary(report: SweepProgress | undefined, were: string): string {
  if (!report) return 'There is nothing there.';
  const { devices, records, requested, checked, held } = report;
  const reasons = Object.fromEntries(Object.entries(checked).filter(([, count]) => count > 0));
  const looked = Object.values(checked).reduce((sum, count) => sum + count, 0);
  const why = looked > 0 ? ` (${counted(reasons)})` : '';
  const line = `${devices} devices and ${records} records: ${requested} ${were} asked for, ${looked} ${were} looked at${why}.`;
  return [line, ...held.map((each) => `${describeGuarded(each)}.`)].join('\n');
}
