import type { RecordLine } from '../../src/ops/devices/schema.js';
import { serviceName, shortUuid } from '../format.js';
import { nothing } from '../parts/DataTable.js';
import { StateBadge } from '../parts/StateBadge.js';
import { linkTo } from '../route.js';

/** The columns that every list of devices has. */
export const deviceColumns = {
  device: {
    head: 'Device',
    cell: ({ uuid }: RecordLine) => (
      <a class="mono" href={linkTo(`devices/${uuid}`)} title={uuid}>
        {shortUuid(uuid)}
      </a>
    ),
  },
  state: {
    head: 'State',
    cell: ({ state, lastCheck, operation, dueAt }: RecordLine) => (
      <>
        <StateBadge state={state} />{' '}
        {state === 'provisioned' && operation === 'rotate' && dueAt !== null && <small>rotating</small>}{' '}
        {lastCheck === 'failed' && <StateBadge state="last check failed" />}
      </>
    ),
  },
  fleet: { head: 'Fleet', cell: ({ fleet }: RecordLine) => fleet ?? nothing },
  service: {
    head: 'Service',
    cell: ({ service, key }: RecordLine) => (key === 'device' ? '(own key)' : serviceName(service)),
  },
  cause: {
    head: 'Cause',
    cell: ({ code, message }: RecordLine) =>
      code === null ? nothing : <span title={message ?? undefined}>{code}</span>,
  },
};
