import { describeGuarded, describeInvisible } from '../../src/fleet/massDeletionGuard.js';
import { planSweep, type SweepProgress, sweep } from '../../src/fleet/sweep.js';
import type { SweepItem } from '../../src/fleet/sweepRules.js';
import { printable } from '../../src/shared/printable.js';
import { CliError, type ExitCode, exitCodes } from '../exitCodes.js';
import { examples, parseService, parseSlugs } from '../options/common.js';
import { listCounts } from '../output/text.js';
import type { AddCommand } from './command.js';

interface SweepOptions {
  fleet?: string[];
  service?: string;
  allowGone?: boolean;
  dryRun?: boolean;
}

/** Adds the command `sweep`. */
export const addSweep: AddCommand = (parent, action) =>
  parent
    .command('sweep')
    .summary('find devices without a request, and lost variables')
    .description(
      'Requests credentials for devices without credentials and without a record. Workers check the devices that are missing in balena, devices that differ from their records, and devices whose request failed for good. The sweep timer (setting SWEEP_SCHEDULE) does the same.\n\n' +
        'If more than a tenth of a fleet, and more than 20 devices, are missing in balena, those devices are not checked, and the exit code is 1, except with --allow-gone. The same is true for any device of a fleet that the key does not see, or that is not in FLEETS any more.',
    )
    .option('--fleet <slugs...>', 'the fleets (default: the setting FLEETS)', parseSlugs)
    .option(
      '--service <name>',
      'service for the variables of new devices (default: the setting DEFAULT_SERVICE)',
      parseService,
    )
    .option(
      '--allow-gone',
      'check all missing devices: the fleet was emptied, deleted or taken out of FLEETS on purpose',
    )
    .option('--dry-run', 'only list the devices')
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
        const { fleets: served, hubHost, operationsPerMinute } = app.config;
        if (!fleets)
          throw new CliError(
            'no-fleets',
            exitCodes.wrongUsage,
            'Name the fleets with --fleet, or set FLEETS.',
          );
        let progress: SweepProgress | undefined;
        if (options.dryRun) {
          const items: SweepItem[] = [];
          const onProgress = (latest: SweepProgress) => {
            progress = latest;
          };
          for await (const item of planSweep(app, {
            fleets,
            served,
            hubHost,
            service,
            allowGone,
            onProgress,
          }))
            items.push(item);
          session.printResult({ ...progress, items }, (shown) =>
            [...shown.items.map(itemLine), summary(progress && printable(progress), 'would be ')].join('\n'),
          );
          return exitCodeOf(progress);
        }
        const signal = session.interruptSignal();
        const report = await sweep(app, {
          ...{ fleets, served, service, allowGone, signal },
          ...{ hubHost, operationsPerMinute },
        });
        session.printResult(report, (shown) =>
          shown.finished ? summary(shown) : `${summary(shown)}\nInterrupted. Run the command again.`,
        );
        return signal.aborted ? exitCodes.interrupted : exitCodeOf(report);
      }),
    );

function exitCodeOf(report: SweepProgress | undefined): ExitCode {
  return report && report.guarded.length + report.invisible.length > 0 ? exitCodes.problems : exitCodes.ok;
}

function itemLine(item: SweepItem): string {
  return `${item.uuid}  ${item.act === 'check' ? `check: ${item.why}` : item.act.replace('-', ' ')}  ${item.fleet ?? ''}`.trimEnd();
}

/** @param auxiliary text before each verb: empty, or "would be " for a dry run */
function summary(report: SweepProgress | undefined, auxiliary = ''): string {
  if (!report) return 'There are no devices and no records.';
  const { devices, records, requested, checked, guarded, invisible } = report;
  const reasons = Object.fromEntries(Object.entries(checked).filter(([, count]) => count > 0));
  const checks = Object.values(checked).reduce((sum, count) => sum + count, 0);
  const why = checks > 0 ? ` (${listCounts(reasons)})` : '';
  const line = `${devices} devices and ${records} records: ${requested} ${auxiliary}requested, ${checks} ${auxiliary}checked${why}.`;
  const warnings = [...invisible.map(describeInvisible), ...guarded.map(describeGuarded)];
  return [line, ...warnings.map((each) => `${each}.`)].join('\n');
}
