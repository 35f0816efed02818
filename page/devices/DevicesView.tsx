import { useCallback } from 'preact/hooks';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { serviceName, shortUuid } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { Pager, usePaging } from '../parts/Pager.js';
import { StateBadge } from '../parts/StateBadge.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { DeviceFilters } from './DeviceFilters.js';

const everyMs = 10_000;

/** The devices that were ever asked for, by filter. */
export function DevicesView({ query }: { query: Record<string, string> }) {
  const { records } = useOps();
  const of = JSON.stringify(query);
  const paging = usePaging(of);
  const load = useCallback(
    (signal: AbortSignal) =>
      records({ ...JSON.parse(of), limit: paging.size, cursor: paging.cursor }, signal),
    [records, of, paging.size, paging.cursor],
  );
  const polled = usePolled(load, () => everyMs);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <View
      title="Devices"
      polled={polled}
      before={<DeviceFilters query={query} byState={polled.data?.byState ?? {}} />}
    >
      {({ records: lines, total, next }) =>
        lines.length === 0 ? (
          <Empty>
            {isFiltered
              ? 'No device fits this filter. A device is here once it was asked for.'
              : 'No device has asked yet. Once one has, it is here, with what happened to it.'}
          </Empty>
        ) : (
          <>
            <DataTable caption="Devices" rows={lines} keyOf={({ uuid }) => uuid} columns={columns} />
            <Pager paging={paging} next={next} shown={lines.length} total={total} />
          </>
        )
      }
    </View>
  );
}

const columns = [
  {
    head: 'Device',
    cell: ({ uuid }: RecordLine) => (
      <a class="mono" href={linkTo(`devices/${uuid}`)} title={uuid}>
        {shortUuid(uuid)}
      </a>
    ),
  },
  { head: 'State', cell: ({ state }: RecordLine) => <StateBadge state={state} /> },
  { head: 'Fleet', cell: ({ fleet }: RecordLine) => fleet ?? '–' },
  { head: 'Service', cell: ({ service }: RecordLine) => serviceName(service) },
  {
    head: 'Why',
    cell: ({ code, message }: RecordLine) =>
      code === null ? '–' : <span title={message ?? undefined}>{code}</span>,
  },
  { head: 'Asked', cell: ({ requestedAt }: RecordLine) => <Time at={requestedAt} /> },
  {
    head: 'Done or due',
    cell: ({ completedAt, dueAt }: RecordLine) =>
      dueAt === null ? <Time at={completedAt} /> : <Time at={dueAt} isRelative />,
  },
];
