import {
  type PlannedRequest,
  planFleet,
  type RequestProgress,
  type RequestReport,
  requestFleet,
} from '../../src/fleet/request.js';
import { describeMissing, findService } from '../../src/fleet/services.js';
import { openAudit, withAudit } from '../../src/ops/requests/audit.js';
import { answeredByPart, knownFleet } from '../../src/ops/requests/fleet.js';
import { CliError, type ExitCode, exitCodes } from '../exitCodes.js';
import { type FollowReport, followFleet } from '../fleet/follow.js';
import { byOption, examples, parseService, parseSlug } from '../options/common.js';
import { showProgress } from '../output/progress.js';
import { listCounts, plural, wrap } from '../output/text.js';
import { due } from '../output/time.js';
import type { FleetApp, Session } from '../session/session.js';
import type { AddCommand } from './command.js';

interface FleetOptions {
  service?: string;
  onlyMissing?: boolean;
  move?: boolean;
  dryRun?: boolean;
  follow: boolean;
  by: string;
}

/** Adds the command `fleet`. */
export const addFleet: AddCommand = (parent, action) =>
  parent
    .command('fleet')
    .summary('request credentials for a whole fleet')
    .description(
      'Requests credentials for every device of a fleet, and shows the progress until the devices are provisioned. Accepted requests are processed even after this command has ended. After an interruption run the command again to request the remaining devices.\n\n' +
        'The command first checks that the fleet has the service. Devices with credentials, or with a pending request, at another service keep that service, and the exit code is 1, except with --move.',
    )
    .argument('<slug>', 'the slug of the fleet, such as my_org/my_fleet', parseSlug)
    .option(
      '--service <name>',
      'service for the variables; "" for the device level (default: the setting DEFAULT_SERVICE)',
      parseService,
    )
    .option('--only-missing', 'skip devices with credentials')
    .option('--move', 'also move devices from another service to this service')
    .option('--dry-run', 'only list the devices')
    .option('--no-follow', 'do not wait until the devices are provisioned')
    .addOption(byOption())
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
        const { dryRun, follow, service = app.config.defaultService } = options;
        const { onlyMissing = false, move = false } = options;
        const lacking = await countLacking(app, fleet, service);
        if (dryRun) {
          const planned: PlannedRequest[] = [];
          await knownFleet(app, fleet, async () => {
            for await (const each of planFleet(app, { fleet, service, onlyMissing, move }))
              planned.push(each);
          });
          return showPlan(session, planned, { fleet, service, lacking });
        }
        const signal = session.interruptSignal();
        const requested = await request(session, app, options.by, {
          fleet,
          service,
          onlyMissing,
          move,
          signal,
        });
        const followed =
          follow && requested.finished ? await followRequests(session, app, requested.uuids, signal) : null;
        const { uuids, next: _, ...counts } = requested;
        session.printResult({ fleet, service, lacking, ...counts, followed }, (shown) =>
          [...summary(shown.fleet, requested, followed), ...lackingHint(shown)]
            .map((line) => wrap(line, session.width))
            .join('\n'),
        );
        return exitCodeOf(requested, followed, signal);
      }),
    );

/**
 * Counts the devices of the fleet without the service.
 *
 * @throws CliError `no-such-service` if the fleet has no such service
 */
async function countLacking(app: FleetApp, fleet: string, service: string): Promise<number> {
  const found = await findService(app, { service, fleet });
  // The listing of the devices says that the key does not see the fleet.
  if (found.exists || found.services === null) return found.lacking;
  throw new CliError('no-such-service', exitCodes.wrongUsage, describeMissing(service, fleet, found));
}

function lackingHint({ lacking, service }: { lacking: number; service: string }): string[] {
  if (lacking === 0) return [];
  return [
    `${plural(lacking, 'device')} of the fleet without the service "${service}" in balena: the requests of these devices fail until balena shows the service.`,
  ];
}

function showPlan(
  session: Session,
  planned: readonly PlannedRequest[],
  { fleet, service, lacking }: { fleet: string; service: string; lacking: number },
): ExitCode {
  const uuids = planned.filter((each) => each.otherService === null).map(({ uuid }) => uuid);
  const atOtherService = planned.flatMap(({ uuid, otherService }) =>
    otherService === null ? [] : [{ uuid, service: otherService }],
  );
  session.printResult({ fleet, service, lacking, uuids, atOtherService }, (shown) =>
    [
      ...shown.uuids,
      ...shown.atOtherService.map((each) => `${each.uuid}  keeps ${each.service || 'the device level'}`),
      `${plural(uuids.length, 'device')} of ${shown.fleet} would be requested.`,
      ...moveHint(atOtherService.length),
      ...lackingHint(shown),
    ].join('\n'),
  );
  return atOtherService.length > 0 ? exitCodes.problems : exitCodes.ok;
}

/** @param count the number of devices that keep another service */
function moveHint(count: number): string[] {
  if (count === 0) return [];
  return [
    `${plural(count, 'device')} at another service: not requested. --move moves the credentials to the new service, and removes them from the old service.`,
  ];
}

/** Requests the devices of the fleet, with a row of the audit for the operator. */
async function request(
  session: Session,
  app: FleetApp,
  by: string,
  options: Parameters<typeof requestFleet>[1],
): Promise<RequestReport> {
  const { fleet, service } = options;
  const row = await openAudit(app, { kind: 'fleet', by, filter: { fleet }, service, devices: 0 });
  session.info(
    'Requesting credentials for each device. Ctrl-C stops cleanly; run the command again to continue.',
  );
  const progress = showProgress(session);
  const onProgress = (state: RequestProgress) => {
    const { devices: total, ...counts } = state;
    const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
    progress({ done, total, text: countsText(state) });
  };
  const report = await withAudit(
    app,
    row,
    () => knownFleet(app, fleet, () => requestFleet(app, { ...options, onProgress })),
    (answer, before) => answeredByPart({ ...answer, next: answer.finished ? null : '' }, before),
  );
  progress();
  return report;
}

async function followRequests(
  session: Session,
  app: FleetApp,
  uuids: string[],
  signal: AbortSignal,
): Promise<FollowReport> {
  session.info("Workers provision the devices at the hub's rate limit. Ctrl-C ends only this display.");
  const progress = showProgress(session);
  const report = await followFleet(app, uuids, {
    signal,
    onProgress({ states, unknown, lastDue }) {
      const { provisioned, failed, deprovisioned, outside } = states;
      const last = lastDue === null ? '' : `, last job due ${due(new Date(lastDue).toISOString())}`;
      progress({
        done: provisioned + failed + deprovisioned + outside + unknown,
        total: uuids.length,
        text: `${provisioned} provisioned, ${failed} failed${last}`,
      });
    },
  });
  progress();
  return report;
}

function countsText(report: Omit<RequestProgress, 'devices'>): string {
  const parts: [number, string][] = [
    [report.requested, 'requested'],
    [report.underWay, 'already under way'],
    [report.alreadyProvisioned, 'already provisioned'],
    [report.failed, 'failed earlier and not requested again yet'],
    [report.conflicts, 'moved less than ten minutes ago'],
    [report.skipped, 'skipped'],
    [report.atOtherService, 'at another service'],
  ];
  const shown = parts.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`);
  return shown.join(', ') || 'nothing requested';
}

function summary(fleet: string, requested: RequestReport, followed: FollowReport | null): string[] {
  const first = [
    `${plural(requested.devices, 'device')} of ${fleet}: ${countsText(requested)}.`,
    ...moveHint(requested.atOtherService),
  ];
  if (!requested.finished)
    return [
      ...first,
      'Interrupted. Accepted requests continue in the background. Run the command again for the remaining devices.',
    ];
  if (!followed) return [...first, 'See: provisioner watch'];
  const states = Object.fromEntries(Object.entries(followed.states).filter(([, count]) => count > 0));
  const now = `Current states: ${listCounts(states) || 'no device has a record'}.`;
  const failures = followed.states.failed > 0 ? ` Errors: ${listCounts(followed.failures)}.` : '';
  const rest = followed.finished ? '' : ' Unfinished requests continue in the background.';
  return [...first, now + failures + rest];
}

function exitCodeOf(requested: RequestReport, followed: FollowReport | null, signal: AbortSignal): ExitCode {
  if (signal.aborted) return exitCodes.interrupted;
  const failed = followed ? followed.states.failed : requested.failed;
  return failed + requested.conflicts + requested.atOtherService > 0 ? exitCodes.problems : exitCodes.ok;
}
