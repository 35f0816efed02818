import { useContext, useState } from 'preact/hooks';
import type { FleetProgress } from '../../src/ops/fleets/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { number } from '../format.js';
import { ActButton, MayActContext } from '../parts/ActButton.js';
import { DataTable, nothing } from '../parts/DataTable.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { RotateDialog } from '../requests/RotateDialog.js';
import { linkTo } from '../route.js';
import { FleetDialog } from './FleetDialog.js';

const everyMs = 5_000;

/** The progress of each fleet, and the requests for a whole fleet. */
export function FleetsView() {
  const { fleets: list } = useOps();
  const polled = usePolled(list, () => everyMs);
  const mayAct = useContext(MayActContext);
  const [requesting, setRequesting] = useState<string | null>(null);
  const [rotating, setRotating] = useState<string | null>(null);
  return (
    <View
      title="Fleets"
      polled={polled}
      actions={<ActButton onClick={() => setRequesting('')}>Request a fleet …</ActButton>}
    >
      {({ fleets }) => (
        <>
          {fleets.length === 0 ? (
            <Empty>No device was requested yet. A fleet is listed after the first request of a device.</Empty>
          ) : (
            <DataTable
              caption="Fleets, the most pending and failed devices first"
              rows={fleets}
              keyOf={({ fleet }) => fleet ?? ''}
              columns={mayAct ? [...columns, actionsColumn(setRequesting, setRotating)] : columns}
            />
          )}
          {requesting !== null && (
            <FleetDialog
              fleet={requesting}
              onClose={() => {
                setRequesting(null);
                polled.refresh();
              }}
            />
          )}
          {rotating !== null && (
            <RotateDialog
              filter={{ fleet: rotating }}
              onClose={() => setRotating(null)}
              onStarted={({ id }) => {
                location.hash = linkTo(`actions/${id}`);
              }}
            />
          )}
        </>
      )}
    </View>
  );
}

/** A count as a link to the devices; a dash for none. */
function countOf({
  count,
  fleet,
  query,
}: {
  count: number;
  fleet: string | null;
  query: Record<string, string>;
}) {
  if (count === 0) return nothing;
  if (fleet === null) return number(count);
  return <a href={linkTo('devices', { ...query, fleet })}>{number(count)}</a>;
}

const columns = [
  {
    head: 'Fleet',
    cell: ({ fleet }: FleetProgress) =>
      fleet === null ? 'not known yet' : <a href={linkTo('devices', { fleet })}>{fleet}</a>,
  },
  { head: 'Done', cell: ({ done, devices }: FleetProgress) => <Done done={done} devices={devices} /> },
  {
    head: 'In progress',
    isNumber: true,
    cell: ({ pending }: FleetProgress) => (pending === 0 ? nothing : number(pending)),
  },
  {
    head: 'Failed',
    isNumber: true,
    cell: ({ failed, fleet }: FleetProgress) => countOf({ count: failed, fleet, query: { state: 'failed' } }),
  },
  {
    head: 'Failed checks',
    isNumber: true,
    cell: ({ checksFailed, fleet }: FleetProgress) =>
      countOf({ count: checksFailed, fleet, query: { lastCheck: 'failed' } }),
  },
  {
    head: 'Expire in 30 days',
    isNumber: true,
    cell: ({ expiring, fleet }: FleetProgress) =>
      expiring === 0 ? (
        nothing
      ) : (
        <a href={linkTo('certificates', { within: '30d', fleet: fleet ?? undefined })}>{number(expiring)}</a>
      ),
  },
  { head: 'Last done', cell: ({ lastDoneAt }: FleetProgress) => <Time at={lastDoneAt} /> },
];

function actionsColumn(onRequest: (fleet: string) => void, onRotate: (fleet: string) => void) {
  return {
    head: 'Actions',
    cell: ({ fleet }: FleetProgress) =>
      fleet === null ? (
        nothing
      ) : (
        <span class="buttons">
          <ActButton class="link" aria-label={`Request ${fleet}`} onClick={() => onRequest(fleet)}>
            Request …
          </ActButton>
          <ActButton class="link" aria-label={`Rotate ${fleet}`} onClick={() => onRotate(fleet)}>
            Rotate …
          </ActButton>
        </span>
      ),
  };
}

function Done({ done, devices }: { done: number; devices: number }) {
  return (
    <span class="done">
      <progress value={done} max={Math.max(1, devices)} aria-label={`${done} of ${devices} done`} />
      <span>
        {number(done)} of {number(devices)} ({Math.floor((100 * done) / Math.max(1, devices))} %)
      </span>
    </span>
  );
}
