import { useCallback, useState } from 'preact/hooks';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { recordColumns } from '../export/columns.js';
import { ExportButton } from '../export/ExportButton.js';
import { ActButton } from '../parts/ActButton.js';
import { DataTable, nothing } from '../parts/DataTable.js';
import { Pager, usePaging } from '../parts/Pager.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { ProvisionDialog } from '../requests/ProvisionDialog.js';
import { linkTo } from '../route.js';
import { DeviceFilters } from './DeviceFilters.js';
import { deviceColumns } from './deviceColumns.js';

const everyMs = 10_000;

/** All devices with a record, by filter. */
export function DevicesView({ query }: { query: Record<string, string> }) {
  const { records } = useOps();
  const filters = JSON.stringify(query);
  const paging = usePaging(filters);
  const load = useCallback(
    (signal: AbortSignal) =>
      records({ ...JSON.parse(filters), limit: paging.size, cursor: paging.cursor }, signal),
    [records, filters, paging.size, paging.cursor],
  );
  const polled = usePolled(load, () => everyMs);
  const [isRequesting, setRequesting] = useState(false);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <View
      title="Devices"
      polled={polled}
      before={<DeviceFilters query={query} byState={polled.data?.byState ?? {}} />}
      actions={
        <>
          <ActButton onClick={() => setRequesting(true)}>Request a device …</ActButton>
          <ExportButton
            name="devices"
            columns={recordColumns}
            load={async (page) => {
              const { records: rows, next } = await records({ ...JSON.parse(filters), ...page });
              return { rows, next };
            }}
          />
        </>
      }
    >
      {({ records: lines, total, next }) => (
        <>
          {isRequesting && (
            <ProvisionDialog
              onClose={() => setRequesting(false)}
              onRequested={(uuid) => {
                location.hash = linkTo(`devices/${uuid}`);
              }}
            />
          )}
          {lines.length === 0 ? (
            <Empty>
              {isFiltered
                ? 'No device matches this filter. A device is listed after the first request for it.'
                : 'No device was requested yet. Each device will be listed here after the first request for it.'}
            </Empty>
          ) : (
            <>
              <DataTable caption="Devices" rows={lines} keyOf={({ uuid }) => uuid} columns={columns} />
              <Pager paging={paging} next={next} shown={lines.length} total={total} />
            </>
          )}
        </>
      )}
    </View>
  );
}

const { device, state, fleet, service, cause } = deviceColumns;
const columns = [
  device,
  state,
  fleet,
  service,
  cause,
  { head: 'Requested', cell: ({ requestedAt }: RecordLine) => <Time at={requestedAt} /> },
  {
    head: 'Finished or due',
    cell: ({ completedAt, dueAt }: RecordLine) =>
      dueAt === null ? (
        completedAt === null ? (
          nothing
        ) : (
          <Time at={completedAt} />
        )
      ) : (
        <Time at={dueAt} isRelative />
      ),
  },
];
