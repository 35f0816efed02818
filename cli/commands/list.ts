import { Option } from 'commander';
import { type ExpiringPage, listExpiring } from '../../src/ops/certificates/expiring.js';
import { listRecords, type RecordQuery } from '../../src/ops/devices/list.js';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import { errorCodes } from '../../src/shared/errorPolicy.js';
import { state, step } from '../../src/shared/schemas.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { examples, parseSlug } from '../options/common.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../options/pageOptions.js';
import { type Column, table } from '../output/table.js';
import { colorOf, listCounts, placeText, plural } from '../output/text.js';
import { ago } from '../output/time.js';
import type { Session } from '../session/session.js';
import type { AddCommand } from './command.js';

type ListOptions = Pick<RecordQuery, 'state' | 'lastCheck' | 'fleet' | 'code' | 'step' | 'service' | 'uuid'> &
  PageOptions & { expiresWithin?: string };

const columns: Column<RecordLine>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid },
  { title: 'STATE', of: stateText, style: (line) => colorOf(line.state) },
  { title: 'REQUESTED', of: ({ requestedAt }) => ago(requestedAt), right: true },
  {
    title: 'ERROR',
    of: ({ code, step: failedStep }) => (code ? `${code}${failedStep ? ` (${failedStep})` : ''}` : ''),
  },
  {
    title: 'SERVICE',
    of: placeText,
    spare: true,
  },
  { title: 'FLEET', of: ({ fleet }) => fleet ?? '', spare: true },
  { title: 'MESSAGE', of: ({ message }) => message ?? '', spare: true },
];

const expiryColumns: Column<RecordLine>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid },
  {
    title: 'EXPIRES',
    of: ({ certificateExpiresAt }) => (certificateExpiresAt === null ? '' : ago(certificateExpiresAt)),
    right: true,
  },
  { title: 'STATE', of: stateText, style: (line) => colorOf(line.state) },
  { title: 'LAST CHECK', of: ({ lastCheck }) => lastCheck ?? '' },
  { title: 'SERVICE', of: placeText, spare: true },
  { title: 'FLEET', of: ({ fleet }) => fleet ?? '', spare: true },
];

/** A device whose certificate is rotated stays provisioned. */
function stateText({ state, operation, dueAt }: RecordLine): string {
  return state === 'provisioned' && operation === 'rotate' && dueAt !== null ? `${state} (rotating)` : state;
}

export const addList: AddCommand = (parent, action) =>
  addPageOptions(
    parent
      .command('list')
      .summary('list devices by state, fleet or error')
      .description('Lists devices in the order of their last request. A device must match all given options.')
      .addOption(new Option('--state <state>', 'in this state').choices(state.options))
      .addOption(
        new Option('--last-check <outcome>', 'provisioned or not, with a last check that failed').choices([
          'failed',
        ]),
      )
      .option('--fleet <slug>', 'in this fleet, such as my_org/my_fleet', parseSlug)
      .addOption(new Option('--code <code>', 'with this error code').choices([...errorCodes]))
      .addOption(new Option('--step <step>', 'failed at this step').choices(step.options))
      .option('--service <name>', 'with this desired service; "" for the device level')
      .option('--uuid <digits>', 'with a UUID that starts with these digits')
      .option(
        '--expires-within <time>',
        'with a certificate that expires within this time (12h, 30d) or is expired, the first expiry first',
      ),
  )
    .addHelpText(
      'after',
      examples(
        'provisioner list --state failed --fleet my_org/my_fleet',
        'provisioner list --last-check failed # provisioned or not',
        'provisioner list --expires-within 30d --fleet my_org/my_fleet',
        'provisioner list --uuid 0123 # the UUID starts with 0123',
        'provisioner list --limit 1000 --json | jq -r ".records[].uuid"',
      ),
    )
    .action(
      action(async (session, options: ListOptions) => {
        if (options.expiresWithin !== undefined) {
          await listCertificates(session, options);
          return;
        }
        const { state: wantedState, lastCheck, fleet, code, step: failedStep, service, uuid } = options;
        const filter = { state: wantedState, lastCheck, fleet, code, step: failedStep, service, uuid };
        const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
        const page = await listRecords(await session.app(), { ...given, ...pageOf(options) });
        session.printResult(page, (shown) => {
          if (page.total === 0)
            return Object.keys(given).length > 0
              ? 'There are no matching devices.'
              : 'No device has a record yet. To request credentials for a device: provisioner provision <uuid>';
          return [
            table(shown.records, columns, session.width),
            '',
            `${plural(page.total, 'device')}: ${listCounts(page.byState)}.`,
            nextPage(page.records.length, page.total, page.next),
          ]
            .join('\n')
            .trimEnd();
        });
      }),
    );

/** Filters that a list of certificates does not have. */
const otherFilters = ['state', 'lastCheck', 'code', 'step', 'service', 'uuid'] as const;

async function listCertificates(session: Session, options: ListOptions): Promise<void> {
  const { expiresWithin: within = '30d', fleet, limit, cursor } = options;
  const other = otherFilters.find((name) => options[name] !== undefined);
  if (other !== undefined || options.order !== 'newest')
    throw new CliError(
      'wrong-usage',
      exitCodes.wrongUsage,
      'The option --expires-within can be combined with --fleet, --limit and --cursor only.',
    );
  const page = await listExpiring(await session.app(), {
    within,
    limit,
    ...(fleet !== undefined && { fleet }),
    ...(cursor !== undefined && { cursor }),
  });
  session.printResult(page, (shown) => showCertificates(shown, within, session.width));
}

function showCertificates(
  { records, total, expired, next }: ExpiringPage,
  within: string,
  width: number,
): string {
  if (total === 0) return `No certificate is expired, or expires within ${within}.`;
  return [
    table(records, expiryColumns, width),
    '',
    `${plural(total, 'certificate')}: ${expired} expired, ${total - expired} to expire within ${within}.`,
    nextPage(records.length, total, next),
  ]
    .join('\n')
    .trimEnd();
}
