import { type AskReport, askFleet, planFleet } from '../../src/fleet/askFleet.js';
import { type FollowReport, followFleet } from '../../src/fleet/followFleet.js';
import type { AddCommand } from '../AddCommand.js';
import { type ExitCode, exitCodes } from '../exitCodes.js';
import { examples } from '../options/examples.js';
import { counted, plural } from '../output/plural.js';
import { due } from '../output/when.js';
import { wrap } from '../output/wrap.js';
import { showProgress } from '../progress.js';
import type { FleetApp, Session } from '../Session.js';

interface FleetOptions {
  service?: string;
  onlyMissing?: boolean;
  dryRun?: boolean;
  follow: boolean;
}

export const addFleet: AddCommand = (parent, action) =>
  parent
    .command('fleet')
    .summary('ask for the credentials of a whole fleet')
    .description(
      'Asks for the credentials of every device of a fleet, and looks on until they are provisioned. What was asked for goes on by itself; run again, it goes on where it ended.',
    )
    .argument('<slug>', 'of the fleet, such as my_org/my_fleet')
    .option('--service <name>', 'where the variables go; "" for the device level (default: DEFAULT_SERVICE)')
    .option('--only-missing', 'leave out devices that hold credentials')
    .option('--dry-run', 'say for which, and do nothing')
    .option('--no-follow', 'do not look on until they are provisioned')
    .addHelpText(
      'after',
      examples(
        'provisioner fleet my_org/my_fleet --service main --dry-run',
        'provisioner fleet my_org/my_fleet --service main --only-missing',
        'provisioner fleet my_org/my_fleet --no-follow --json',
      ),
    )
    .action(
      action(async (session, options: FleetOptions, fleet: string) => {
        const app = await session.fleetApp();
        const { onlyMissing = false, dryRun, follow: looksOn, service = app.config.defaultService } = options;
        const signal = session.stopGently();
        if (dryRun) {
          const uuids: string[] = [];
          for await (const { uuid } of planFleet(app, { fleet, onlyMissing, signal })) uuids.push(uuid);
          session.answer({ fleet, service, uuids }, () =>
            [...uuids, `${plural(uuids.length, 'device')} of ${fleet} would be asked for.`].join('\n'),
          );
          return exitCodes.ok;
        }
        const asked = await ask(session, app, { fleet, service, onlyMissing, signal });
        const followed = looksOn && asked.finished ? await look(session, app, asked.uuids, signal) : null;
        const { uuids, ...counts } = asked;
        session.answer({ fleet, service, ...counts, followed }, () =>
          summary(fleet, asked, followed)
            .map((line) => wrap(line, session.width))
            .join('\n'),
        );
        return exitCodeOf(asked, followed, signal);
      }),
    );

async function ask(
  session: Session,
  app: FleetApp,
  options: Parameters<typeof askFleet>[1],
): Promise<AskReport> {
  session.tell('Asking for each device. Ctrl-C ends this cleanly; run again, it goes on.');
  const progress = showProgress(session);
  const report = await askFleet(app, {
    ...options,
    onProgress(so) {
      const done = so.skipped + so.asked + so.underWay + so.alreadyProvisioned + so.failed + so.conflicts;
      progress({ done, total: so.devices, words: askedWords(so) });
    },
  });
  progress();
  return report;
}

async function look(
  session: Session,
  app: FleetApp,
  uuids: string[],
  signal: AbortSignal,
): Promise<FollowReport> {
  session.tell('Workers provision them, at the pace of the hub. Ctrl-C ends only the looking on.');
  const progress = showProgress(session);
  const report = await followFleet(app, uuids, {
    signal,
    onProgress(so) {
      const { provisioned, failed, deprovisioned } = so.states;
      const left = so.lastDue === null ? '' : `, the last ${due(new Date(so.lastDue).toISOString())}`;
      progress({
        done: provisioned + failed + deprovisioned + so.unknown,
        total: uuids.length,
        words: `${provisioned} provisioned, ${failed} failed${left}`,
      });
    },
  });
  progress();
  return report;
}

function askedWords(report: Omit<AskReport, 'uuids' | 'finished' | 'devices'>): string {
  const words: [number, string][] = [
    [report.asked, 'asked for'],
    [report.underWay, 'under way before'],
    [report.alreadyProvisioned, 'provisioned before'],
    [report.failed, 'failed before'],
    [report.conflicts, 'moved less than ten minutes ago'],
    [report.skipped, 'left out'],
  ];
  const shown = words.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return shown.join(', ') || 'nothing yet';
}

function summary(fleet: string, asked: AskReport, followed: FollowReport | null): string[] {
  const first = `${plural(asked.devices, 'device')} of ${fleet}: ${askedWords(asked)}.`;
  if (!asked.finished)
    return [first, 'Interrupted: what was asked for goes on. Run it again for the others.'];
  if (!followed) return [first, 'See: provisioner watch'];
  const states = Object.fromEntries(Object.entries(followed.states).filter(([, count]) => count > 0));
  const now = `Now: ${counted(states) || 'none of them has a record'}.`;
  const why = followed.states.failed > 0 ? ` Failed: ${counted(followed.failures)}.` : '';
  return [first, `${now}${why}${followed.finished ? '' : ' The others go on without you.'}`];
}

function exitCodeOf(asked: AskReport, followed: FollowReport | null, signal: AbortSignal): ExitCode {
  if (signal.aborted) return exitCodes.interrupted;
  const failed = followed ? followed.states.failed : asked.failed;
  return failed + asked.conflicts > 0 ? exitCodes.notWell : exitCodes.ok;
}
