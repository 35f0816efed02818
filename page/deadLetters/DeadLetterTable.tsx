import type { DeadLetter } from '../../src/ops/deadLetters/schema.js';
import { number, serviceName, shortUuid } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { StateBadge } from '../parts/StateBadge.js';
import { Time } from '../parts/Time.js';
import { linkTo } from '../route.js';

/** One page of dead letters. */
export function DeadLetterTable({ deadLetters }: { deadLetters: DeadLetter[] }) {
  return (
    <DataTable
      caption="Dead letters"
      rows={deadLetters}
      keyOf={({ uuid, sequenceNumber }) => `${uuid} ${sequenceNumber}`}
      columns={[
        { head: 'Device', cell: Device },
        { head: 'Status', cell: ({ status }) => <StateBadge state={status} /> },
        { head: 'Cause', cell: Cause },
        { head: 'Fleet', cell: ({ fleet }) => fleet ?? '–' },
        { head: 'Service', cell: ({ service }) => serviceName(service) },
        { head: 'Attempts', isNumber: true, cell: ({ attempts }) => number(attempts) },
        { head: 'Replays', isNumber: true, cell: ({ replays }) => number(replays) },
        { head: 'Failed', cell: ({ failedAt }) => <Time at={failedAt} /> },
      ]}
    />
  );
}

function Device({ uuid, sequenceNumber, status }: DeadLetter) {
  if (uuid === null) return <span>message {sequenceNumber}</span>;
  const name = <span class="mono">{shortUuid(uuid)}</span>;
  if (status === 'no-record') return <span title={uuid}>{name}</span>;
  return (
    <a href={linkTo(`devices/${uuid}`)} title={uuid}>
      {name}
    </a>
  );
}

function Cause({ code, step, message }: DeadLetter) {
  return (
    <span>
      {code}
      {step && <small> at {step}</small>}
      {message && <small class="message">{message}</small>}
    </span>
  );
}
