import { Option } from 'commander';
import { listRecords, type RecordQuery } from '../../src/ops/devices/list.js';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import { state, step } from '../../src/shared/schemas.js';
import { examples } from '../options/common.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../options/pageOptions.js';
import { type Column, table } from '../output/table.js';
import { colorOf, counted, plural } from '../output/text.js';
import { ago } from '../output/time.js';
import type { AddCommand } from './command.js';

type ListOptions = Pick<RecordQuery, 'state' | 'fleet' | 'code' | 'step' | 'service' | 'uuid'> & PageOptions;

const columns: Column<RecordLine>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid },
  { title: 'STATE', of: (line) => line.state, style: (line) => colorOf(line.state) },
  { title: 'ASKED', of: ({ requestedAt }) => ago(requestedAt), right: true },
  { title: 'WHY', of: ({ code, step: at }) => (code ? `${code}${at ? ` (${at})` : ''}` : '') },
  { title: 'SERVICE', of: ({ service }) => (service === '' ? '(device)' : (service ?? '')), spare: true },
  { title: 'FLEET', of: ({ fleet }) => fleet ?? '', spare: true },
  { title: 'MESSAGE', of: ({ message }) => message ?? '', spare: true },
];

export const addList: AddCommand = (parent, action) =>
  addPageOptions(
    parent
      .command('list')
      .summary('the devices, by state, fleet or failure')
      .description('Lists the devices by when they were last asked for. All that is named must hold.')
      .addOption(new Option('--state <state>', 'in this state').choices(state.options))
      .option('--fleet <slug>', 'of this fleet, such as my_org/my_fleet')
      .option('--code <code>', 'with this error, such as service-not-found')
      .addOption(new Option('--step <step>', 'that failed at this step').choices(step.options))
      .option('--service <name>', 'wanted at this service; "" for the device level')
      .option('--uuid <digits>', 'whose UUID begins so'),
  )
    .addHelpText(
      'after',
      examples(
        'provisioner list --state failed --fleet my_org/my_fleet',
        'provisioner list --uuid 0123 # whose UUID begins with 0123',
        'provisioner list --limit 1000 --json | jq -r ".records[].uuid"',
      ),
    )
    .action(
      action(async (session, options: ListOptions) => {
        const { state: in_, fleet, code, step: at, service, uuid } = options;
        const filter = { state: in_, fleet, code, step: at, service, uuid };
        const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
        const page = await listRecords(await session.app(), { ...given, ...pageOf(options) });
        session.answer(page, () => {
          if (page.total === 0) return 'There is no such device.';
          return [
            table(page.records, columns, session.width),
            '',
            `${plural(page.total, 'device')}: ${counted(page.byState)}.`,
            nextPage(page.records.length, page.total, page.next),
          ]
            .join('\n')
            .trimEnd();
        });
      }),
    );
