import { forEachConcurrently } from '../../src/shared/async.js';
import { printable } from '../../src/shared/printable.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { type AuditProgress, audit } from '../fleet/audit.js';
import type { Finding } from '../fleet/finding.js';
import { type Repaired, type RepairOptions, repair } from '../fleet/repair.js';
import { examples, parseSlugs, yesOption } from '../options/common.js';
import { type Column, table } from '../output/table.js';
import { listCounts, plural, wrap } from '../output/text.js';
import type { FleetApp, Session } from '../session/session.js';
import type { AddCommand } from './command.js';

interface AuditOptions extends RepairOptions {
  fleet?: string[];
  repair?: boolean;
  yes?: boolean;
}

type RepairCounts = Record<'requested' | 'outdated' | 'byHand', number>;

const concurrentRepairs = 20;

const columns: Column<Finding>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid },
  { title: 'FINDING', of: ({ kind }) => kind },
  { title: 'FIX', of: ({ fix }) => fix.how },
  {
    title: 'DETAIL',
    of: ({ detail, fix }) => (fix.how === 'by-hand' ? `${detail} (${fix.why})` : detail),
    spare: true,
  },
];

/** Adds the command `audit`. */
export const addAudit: AddCommand = (parent, action) =>
  parent
    .command('audit')
    .summary('compare hub, records and balena, and repair disagreements')
    .description(
      'Compares IoT Hub, records and balena, and lists every disagreement. Devices with pending work or recent changes are not judged. With --repair the workers repair all findings, except those that need an operator (by-hand).',
    )
    .option(
      '--fleet <slugs...>',
      'the fleets to compare (default: the setting FLEETS, or all fleets that BALENA_API_KEY sees)',
      parseSlugs,
    )
    .option('--repair', 'repair the findings')
    .option(
      '--remove-unknown',
      'with --repair: also remove identities of devices that BALENA_API_KEY does not see',
    )
    .addOption(yesOption())
    .addHelpText(
      'after',
      examples(
        'provisioner audit',
        'provisioner audit --repair --yes',
        'provisioner audit --json | jq .findings[].kind',
      ),
    )
    .action(
      action(async (session, options: AuditOptions) => {
        const { yes = false, removeUnknown = false } = options;
        if (options.repair) session.requireConfirmable(yes);
        const app = await session.fleetApp();
        const { findings, progress } = await compareAll(session, app, options.fleet ?? app.config.fleets);
        const repairable = findings.filter(
          ({ fix }) => fix.how !== 'by-hand' && (removeUnknown || fix.how !== 'remove-unknown'),
        );
        const unknown = removeUnknown ? 0 : findings.filter(({ fix }) => fix.how === 'remove-unknown').length;
        let repaired: RepairCounts | null = null;
        if (options.repair && repairable.length > 0) {
          session.info(table(printable(findings), columns, session.width));
          if (!(await session.confirm(question(repairable), yes)))
            throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: nothing was repaired.');
          repaired = await repairAll(app, repairable, { removeUnknown });
        }
        session.printResult({ ...progress, findings, repaired }, (shown) =>
          [
            ...(findings.length > 0 && !repaired ? [table(shown.findings, columns, session.width), ''] : []),
            wrap(summary(progress, shown.findings), session.width),
            ...(repaired ? repairSummary(repaired) : []),
            ...(unknown > 0 ? [wrap(removeUnknownHint(unknown), session.width)] : []),
          ].join('\n'),
        );
        const left = repaired ? findings.length - repairable.length + repaired.byHand : findings.length;
        return left > 0 ? exitCodes.problems : exitCodes.ok;
      }),
    );

async function compareAll(session: Session, app: FleetApp, fleets: readonly string[] | null) {
  const { defaultService: service, renewAt } = app.config;
  const findings: Finding[] = [];
  let progress: AuditProgress | undefined;
  session.info('Comparing. The hub is read first, at the rate limit of its queries.');
  const options = {
    fleets,
    service,
    renewAt,
    onProgress(latest: AuditProgress) {
      progress = latest;
    },
  };
  for await (const finding of audit(app, options)) findings.push(finding);
  return { findings, progress };
}

function question(repairable: readonly Finding[]): string {
  const fixes = listCounts(countBy(repairable, ({ fix }) => fix.how));
  const warning = fixes.includes('remove') ? ' "remove" deletes identities and variables.' : '';
  return `Workers will repair ${plural(repairable.length, 'disagreement')}: ${fixes}.${warning}`;
}

const countNames: Record<Repaired, keyof RepairCounts> = {
  requested: 'requested',
  outdated: 'outdated',
  'by-hand': 'byHand',
};

async function repairAll(
  app: FleetApp,
  findings: readonly Finding[],
  options: RepairOptions,
): Promise<RepairCounts> {
  const counts: RepairCounts = { requested: 0, outdated: 0, byHand: 0 };
  await forEachConcurrently(findings, concurrentRepairs, async (finding) => {
    counts[countNames[await repair(app, finding, options)]] += 1;
  });
  return counts;
}

function repairSummary({ requested, outdated, byHand }: RepairCounts): string[] {
  return [
    `Repair: ${requested} requested, ${outdated} outdated.`,
    ...(byHand > 0 ? [`Left for an operator, because this key does not see the fleet: ${byHand}.`] : []),
  ];
}

/** @param unknown the number of identities without a known fleet */
function removeUnknownHint(unknown: number): string {
  const identities =
    unknown === 1 ? 'One identity belongs to a device' : `${unknown} identities belong to devices`;
  return `${identities} that this key does not see, perhaps in fleets of another owner on the same hub. Check that this key sees all fleets on the hub, then use --repair --remove-unknown.`;
}

function summary(progress: AuditProgress | undefined, findings: readonly Finding[]): string {
  const kinds = listCounts(countBy(findings, ({ kind }) => kind));
  const {
    identities = 0,
    devices = 0,
    records = 0,
    unsettled = 0,
    inOtherFleet = 0,
    foreignIdentities = 0,
  } = progress ?? {};
  const compared = `${identities} identities, ${devices} devices and ${records} records`;
  const found =
    findings.length === 0 ? 'No disagreements' : `${plural(findings.length, 'disagreement')}: ${kinds}`;
  const left: [number, string][] = [
    [unsettled, 'under way or changed recently'],
    [inOtherFleet, 'in other fleets'],
    [foreignIdentities, 'foreign identities'],
  ];
  const notJudged = left.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`);
  return `${compared}. ${found}.${notJudged.length > 0 ? ` Not judged: ${notJudged.join(', ')}.` : ''}`;
}

function countBy(findings: readonly Finding[], key: (finding: Finding) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const finding of findings) counts[key(finding)] = (counts[key(finding)] ?? 0) + 1;
  return counts;
}
