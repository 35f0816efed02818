import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { linkOf } from '../failures/FailureGroups.js';
import { number, plural, shortAdvice } from '../format.js';
import { DataTable, nothing } from '../parts/DataTable.js';
import { Time } from '../parts/Time.js';
import { Empty } from '../parts/View.js';
import { linkTo } from '../route.js';

const everyMs = 5_000;
const mostShown = 5;

/** The largest groups of failures. */
export function TopFailures() {
  const { data } = usePolled(useOps().failures, () => everyMs);
  return (
    <section class="card" aria-labelledby="top-failures">
      <h2 id="top-failures">Failures by cause and fleet</h2>
      {!data ? (
        <p aria-busy="true">Loading …</p>
      ) : data.groups.length === 0 ? (
        <Empty>No request has failed for good, and no request is being retried.</Empty>
      ) : (
        <>
          <DataTable
            caption="Failures by cause and fleet"
            rows={data.groups.slice(0, mostShown)}
            keyOf={({ code, step, fleet }) => `${code} ${step} ${fleet}`}
            columns={[
              { head: 'Cause', cell: (group) => <a href={linkOf(group)}>{group.code}</a> },
              { head: 'Fleet', cell: ({ fleet }) => fleet ?? 'not known yet' },
              {
                head: 'Failed',
                isNumber: true,
                cell: ({ failed }) => (failed === 0 ? nothing : number(failed)),
              },
              {
                head: 'Retrying',
                isNumber: true,
                cell: ({ retrying }) => (retrying === 0 ? nothing : number(retrying)),
              },
              {
                head: 'Since',
                cell: ({ since, deadLetters, failed }) => (
                  <>
                    <Time at={since} />
                    {deadLetters === 0 && failed === 0 && <small> (oldest request)</small>}
                  </>
                ),
              },
              { head: 'What to do', cell: ({ advice }) => <small>{shortAdvice(advice)}</small> },
            ]}
          />
          <p class="more">
            <a href={linkTo('dead-letters')}>
              {data.total > mostShown
                ? `All ${plural(data.total, 'group')} of failures`
                : 'All failures, with replay and discard'}
            </a>
          </p>
        </>
      )}
    </section>
  );
}
