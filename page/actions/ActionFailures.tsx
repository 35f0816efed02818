import type { Action, ActionFailure } from '../../src/ops/bulk/schema.js';
import { number } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { linkTo } from '../route.js';

/** The first failures of an action with their errors, and a link to all. Nothing is shown without a failure. */
export function ActionFailures({ action: { failures, counts, kind } }: { action: Action }) {
  if (failures.length === 0) return null;
  const more = counts.failed - failures.length;
  return (
    <section class="card failures">
      <h2>{kind === 'replay' ? 'Failed again' : 'Failed'}</h2>
      <DataTable
        caption="The first failures of this action"
        rows={failures}
        keyOf={({ uuid }) => uuid}
        columns={columns}
      />
      {more > 0 && (
        <p>
          {number(more)} more.{' '}
          <a href={linkTo(kind === 'replay' ? 'dead-letters' : 'devices', { state: 'failed' })}>
            All failed requests
          </a>
        </p>
      )}
    </section>
  );
}

const columns = [
  {
    head: 'Device',
    cell: ({ uuid }: ActionFailure) => (
      <a class="mono" href={linkTo(`devices/${uuid}`)}>
        {uuid}
      </a>
    ),
  },
  { head: 'Error', cell: ({ code, step }: ActionFailure) => (step ? `${code} (${step})` : code) },
  { head: 'Message', cell: ({ message }: ActionFailure) => <span class="wrap">{message}</span> },
];
