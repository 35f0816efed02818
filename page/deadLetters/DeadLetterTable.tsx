import type { DeadLetter } from '../../src/ops/deadLetters/schema.js';
import { runbookSectionOf } from '../../src/ops/failures/runbook.js';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { number, serviceName, shortUuid } from '../format.js';
import { Advice } from '../parts/Advice.js';
import { type Column, DataTable, nothing } from '../parts/DataTable.js';
import { RunbookLink } from '../parts/DeviceLinks.js';
import { StateBadge } from '../parts/StateBadge.js';
import { Time } from '../parts/Time.js';
import { linkTo } from '../route.js';

interface Props {
  deadLetters: DeadLetter[];
  /** The filter of the list: a column that would show the same in each row is left out. */
  query: Record<string, string>;
}

/** One page of dead letters. */
export function DeadLetterTable({ deadLetters, query }: Props) {
  const [first] = deadLetters;
  const isOneCause = deadLetters.every(
    ({ code, message }) => code === first?.code && message === first.message,
  );
  const columns: (Column<DeadLetter> & { isShown?: boolean })[] = [
    { head: 'Device', cell: Device },
    { head: 'Status', cell: ({ status }) => <StateBadge state={status} /> },
    { head: 'Cause', cell: Cause, isShown: !isOneCause },
    { head: 'Fleet', cell: ({ fleet }) => fleet ?? nothing, isShown: query.fleet === undefined },
    { head: 'Service', cell: ({ service }) => serviceName(service) },
    {
      head: 'Failed attempts',
      isNumber: true,
      cell: ({ attempts }) => number(attempts),
      isShown: deadLetters.some(({ attempts }) => attempts > 0),
    },
    {
      head: 'Replays',
      isNumber: true,
      cell: ({ replays }) => number(replays),
      isShown: deadLetters.some(({ replays }) => replays > 0),
    },
    { head: 'Failed', cell: ({ failedAt }) => <Time at={failedAt} /> },
  ];
  return (
    <>
      {isOneCause && first && (
        <section class="card failure" aria-label="The cause of these failures">
          <p>
            <Cause {...first} />
          </p>
          <p>
            <strong>What to do:</strong>{' '}
            <Advice advice={adviceFor(first.code, fleetsOf(query, deadLetters))} />{' '}
            <RunbookLink section={runbookSectionOf(first.code)} />
          </p>
        </section>
      )}
      <DataTable
        caption="Dead letters"
        rows={deadLetters}
        keyOf={({ uuid, sequenceNumber }) => `${uuid} ${sequenceNumber}`}
        columns={columns.filter(({ isShown = true }) => isShown)}
      />
    </>
  );
}

/** The fleet of the dead letters, if all are of one fleet, and otherwise all their fleets. */
function fleetsOf({ fleet }: { fleet?: string | undefined }, deadLetters: readonly DeadLetter[]) {
  const fleets = new Set(deadLetters.map((each) => each.fleet));
  const [only = null] = fleets.size === 1 ? fleets : [];
  return { fleet: fleet ?? only, fleets: [...fleets].flatMap((each) => each ?? []) };
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
      <strong>{code}</strong>
      {step && <small> at {step}</small>}
      {message && <small class="message">{message}</small>}
    </span>
  );
}
