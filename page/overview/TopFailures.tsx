import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { linkOf } from '../failures/FailureGroups.js';
import { number, plural } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { Time } from '../parts/Time.js';
import { Empty } from '../parts/View.js';
import { linkTo } from '../route.js';

const everyMs = 5_000;
const mostShown = 5;

/** The largest groups of failures. */
export function TopFailures() {
  const { data } = usePolled(useOps().failures, () => everyMs);
  if (!data) return null;
  const { groups, total } = data;
  return (
    <section class="card" aria-labelledby="top-failures">
      <h2 id="top-failures">Failures by cause and fleet</h2>
      {groups.length === 0 ? (
        <Empty>No request has failed for good, and no request is being retried.</Empty>
      ) : (
        <>
          <DataTable
            caption="Failures by cause and fleet"
            rows={groups.slice(0, mostShown)}
            keyOf={({ code, step, fleet }) => `${code} ${step} ${fleet}`}
            columns={[
              { head: 'Cause', cell: (group) => <a href={linkOf(group)}>{group.code}</a> },
              { head: 'Fleet', cell: ({ fleet }) => fleet ?? 'not known yet' },
              { head: 'Failed', isNumber: true, cell: ({ failed }) => number(failed) },
              { head: 'Retrying', isNumber: true, cell: ({ retrying }) => number(retrying) },
              { head: 'Failing since', cell: ({ since }) => <Time at={since} /> },
              { head: 'What to do', cell: ({ advice }) => <small>{advice}</small> },
            ]}
          />
          <p class="more">
            <a href={linkTo('dead-letters')}>
              {total > mostShown
                ? `All ${plural(total, 'group')} of failures`
                : 'All failures, with replay and discard'}
            </a>
          </p>
        </>
      )}
    </section>
  );
}
