import { type ExitCode, exitCodes } from '../errors.js';
import { type FollowReport, followFleet } from '../fleet/follow.js';
import { type PlannedRequest, planFleet, type RequestReport, requestFleet } from '../fleet/request.js';
import { examples } from '../options/common.js';
import { showProgress } from '../output/progress.js';
import { counted, plural, wrap } from '../output/text.js';
import { due } from '../output/time.js';
import type { FleetApp, Session } from '../session/session.js';
import type { AddCommand } from './command.js';

interface FleetOptions {
  service?: string;
  onlyMissing?: boolean;
  move?: boolean;
  dryRun?: boolean;
  follow: boolean;
}

export const addFleet: AddCommand = (parent, action) =>
  parent
    .command('fleet')
    .summary('ask for the credentials of a whole fleet')
    .description(
      'Asks for the credentials of every device of a fleet, and looks on until they are provisioned. What was asked for goes on by itself; run again, it goes on where it ended.\n\n' +
        'Devices that are wanted at another service stay there, and the exit code is 1, unless --move is given.',
    )
    .argument('<slug>', 'of the fleet, such as my_org/my_fleet')
    .option('--service <name>', 'where the variables go; "" for the device level (default: DEFAULT_SERVICE)')
    .option('--only-missing', 'leave out devices that hold credentials')
    .option('--move', 'move devices here that are wanted at another service')
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
        const { dryRun, follow: looksOn, service = app.config.defaultService } = options;
        const { onlyMissing = false, move = false } = options;
        if (dryRun) {
          const planned: PlannedRequest[] = [];
          for await (const each of planFleet(app, { fleet, service, onlyMissing, move })) planned.push(each);
          return showPlan(session, planned, { fleet, service });
        }
        const signal = session.stopGently();
        const requested = await ask(session, app, { fleet, service, onlyMissing, move, signal });
        const followed =
          looksOn && requested.finished ? await look(session, app, requested.uuids, signal) : null;
        const { uuids, ...counts } = requested;
        session.answer({ fleet, service, ...counts, followed }, () =>
          summary(fleet, requested, followed)
            .map((line) => wrap(line, session.width))
            .join('\n'),
        );
        return exitCodeOf(requested, followed, signal);
      }),
    );

function showPlan(
  session: Session,
  planned: readonly PlannedRequest[],
  { fleet, service }: { fleet: string; service: string },
): ExitCode {
  const uuids = planned.filter((each) => each.elsewhere === null).map(({ uuid }) => uuid);
  const elsewhere = planned.flatMap((each) =>
    each.elsewhere === null ? [] : [{ uuid: each.uuid, service: each.elsewhere }],
  );
  session.answer({ fleet, service, uuids, elsewhere }, () =>
    [
      ...uuids,
      ...elsewhere.map((each) => `${each.uuid}  stays at ${each.service || 'the device level'}`),
      `${plural(uuids.length, 'device')} of ${fleet} would be asked for.`,
      ...howToMove(elsewhere.length),
    ].join('\n'),
  );
  return elsewhere.length > 0 ? exitCodes.notWell : exitCodes.ok;
}

/** @param elsewhere devices that stay at another service */
function howToMove(elsewhere: number): string[] {
  if (elsewhere === 0) return [];
  return [
    `Left at another service, where it is wanted: ${plural(elsewhere, 'device')}. --move moves such devices here, and takes their credentials away from there.`,
  ];
}

async function ask(
  session: Session,
  app: FleetApp,
  options: Parameters<typeof requestFleet>[1],
): Promise<RequestReport> {
  session.tell('Asking for each device. Ctrl-C ends this cleanly; run again, it goes on.');
  const progress = showProgress(session);
  const report = await requestFleet(app, {
    ...options,
    onProgress(so) {
      const done =
        so.skipped +
        so.elsewhere +
        so.requested +
        so.underWay +
        so.alreadyProvisioned +
        so.failed +
        so.conflicts;
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

function askedWords(report: Omit<RequestReport, 'uuids' | 'finished' | 'devices'>): string {
  const words: [number, string][] = [
    [report.requested, 'asked for'],
    [report.underWay, 'under way before'],
    [report.alreadyProvisioned, 'provisioned before'],
    [report.failed, 'failed before'],
    [report.conflicts, 'moved less than ten minutes ago'],
    [report.skipped, 'left out'],
    [report.elsewhere, 'wanted at another service'],
  ];
  const shown = words.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return shown.join(', ') || 'nothing yet';
}

function summary(fleet: string, requested: RequestReport, followed: FollowReport | null): string[] {
  const first = [
    `${plural(requested.devices, 'device')} of ${fleet}: ${askedWords(requested)}.`,
    ...howToMove(requested.elsewhere),
  ];
  if (!requested.finished)
    return [...first, 'Interrupted: what was asked for goes on. Run it again for the others.'];
  if (!followed) return [...first, 'See: provisioner watch'];
  const states = Object.fromEntries(Object.entries(followed.states).filter(([, count]) => count > 0));
  const now = `Now: ${counted(states) || 'none of them has a record'}.`;
  const why = followed.states.failed > 0 ? ` Failed: ${counted(followed.failures)}.` : '';
  return [...first, `${now}${why}${followed.finished ? '' : ' The others go on without you.'}`];
}

function exitCodeOf(requested: RequestReport, followed: FollowReport | null, signal: AbortSignal): ExitCode {
  if (signal.aborted) return exitCodes.interrupted;
  const failed = followed ? followed.states.failed : requested.failed;
  return failed + requested.conflicts + requested.elsewhere > 0 ? exitCodes.notWell : exitCodes.ok;
}
