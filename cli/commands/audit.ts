import { forEachConcurrently } from '../../src/shared/async.js';
import { CliError, exitCodes } from '../errors.js';
import { type AuditProgress, audit } from '../fleet/audit.js';
import type { Finding } from '../fleet/finding.js';
import { type RepairOptions, repair } from '../fleet/repair.js';
import { examples, yesOption } from '../options/common.js';
import { type Column, table } from '../output/table.js';
import { counted, plural, wrap } from '../output/text.js';
import type { FleetApp, Session } from '../session/session.js';
import type { AddCommand } from './command.js';

interface AuditOptions extends RepairOptions {
  fleet?: string[];
  repair?: boolean;
  yes?: boolean;
}

const repairsAtATime = 20;

const columns: Column<Finding>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid },
  { title: 'WHAT', of: ({ kind }) => kind },
  { title: 'MENDED BY', of: ({ fix }) => fix.how },
  {
    title: 'WHY',
    of: ({ detail, fix }) => (fix.how === 'by-hand' ? `${detail} (${fix.why})` : detail),
    spare: true,
  },
];

export const addAudit: AddCommand = (parent, action) =>
  parent
    .command('audit')
    .summary('compare hub, records and balena, and mend what disagrees')
    .description(
      'Compares hub, records and balena, and lists every disagreement; what is under way is left for another time. With --repair, all but what is for people is mended through the queue.',
    )
    .option('--fleet <slugs...>', 'these fleets are served (default: FLEETS, or all that the key sees)')
    .option('--repair', 'mend what can be mended')
    .option('--remove-unknown', 'with --repair: also remove identities of devices that this key does not see')
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
        if (options.repair) session.expectAnswer(yes);
        const app = await session.fleetApp();
        const { findings, progress } = await look(session, app, options.fleet ?? app.config.fleets);
        const mendable = findings.filter(
          ({ fix }) => fix.how !== 'by-hand' && (removeUnknown || fix.how !== 'remove-unknown'),
        );
        const unknown = removeUnknown ? 0 : findings.filter(({ fix }) => fix.how === 'remove-unknown').length;
        const repaired =
          options.repair && mendable.length > 0 ? { requested: 0, settled: 0, byHand: 0 } : null;
        if (repaired) {
          const mends = counted(countOf(mendable, ({ fix }) => fix.how));
          session.tell(table(findings, columns, session.width));
          const what = `${plural(mendable.length, 'disagreement')} will be mended through the queue: ${mends}.${mends.includes('remove') ? ' To remove takes identities and variables away.' : ''}`;
          if (!(await session.confirm(what, yes)))
            throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was mended.');
          await forEachConcurrently(mendable, repairsAtATime, async (finding) => {
            repaired[countAs[await repair(app, finding, { removeUnknown })]] += 1;
          });
        }
        session.answer({ ...progress, findings, repaired }, () =>
          [
            ...(findings.length > 0 && !repaired ? [table(findings, columns, session.width), ''] : []),
            wrap(summary(progress, findings), session.width),
            ...(repaired
              ? [
                  `Mending: ${repaired.requested} were put into the queue, ${repaired.settled} had settled.`,
                  ...(repaired.byHand > 0
                    ? [`Left to people, as this key does not see their fleet: ${repaired.byHand}.`]
                    : []),
                ]
              : []),
            ...(unknown > 0 ? [wrap(howToRemove(unknown), session.width)] : []),
          ].join('\n'),
        );
        const left = repaired ? findings.length - mendable.length + repaired.byHand : findings.length;
        return left > 0 ? exitCodes.notWell : exitCodes.ok;
      }),
    );

const countAs = { requested: 'requested', 'not-any-more': 'settled', 'by-hand': 'byHand' } as const;

/** @param unknown identities of devices of which nobody knows the fleet */
function howToRemove(unknown: number): string {
  const them = unknown === 1 ? 'One identity is' : `${unknown} identities are`;
  return `${them} of devices that this key does not see, perhaps in fleets of others that use the hub. Check that this key sees all fleets that use the hub, then use --repair --remove-unknown.`;
}

async function look(session: Session, app: FleetApp, fleets: readonly string[] | null) {
  const { defaultService: service, renewAt } = app.config;
  const findings: Finding[] = [];
  let progress: AuditProgress | undefined;
  session.tell('Comparing; the hub is read first, at the rate of queries that it allows.');
  const options = {
    fleets,
    service,
    renewAt,
    onProgress(so: AuditProgress) {
      progress = so;
    },
  };
  for await (const finding of audit(app, options)) findings.push(finding);
  return { findings, progress };
}

function summary(progress: AuditProgress | undefined, findings: readonly Finding[]): string {
  const kinds = counted(countOf(findings, ({ kind }) => kind));
  const {
    identities = 0,
    devices = 0,
    records = 0,
    unsettled = 0,
    elsewhere = 0,
    foreign = 0,
  } = progress ?? {};
  const looked = `${identities} identities, ${devices} devices and ${records} records`;
  const found = findings.length === 0 ? 'They agree' : `${plural(findings.length, 'disagreement')}: ${kinds}`;
  const left: [number, string][] = [
    [unsettled, 'under way or just changed'],
    [elsewhere, 'in fleets that are not served'],
    [foreign, 'identities that are not ours'],
  ];
  const notJudged = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${looked}. ${found}.${notJudged.length > 0 ? ` Not judged: ${notJudged.join(', ')}.` : ''}`;
}

function countOf(findings: readonly Finding[], of: (finding: Finding) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const finding of findings) counts[of(finding)] = (counts[of(finding)] ?? 0) + 1;
  return counts;
}
