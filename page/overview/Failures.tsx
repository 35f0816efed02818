import type { Overview } from '../../src/ops/overview/schema.js';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { number } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { Empty } from '../parts/Empty.js';
import { linkTo } from '../route.js';

type Failure = Overview['failures'][number];

/** What fails and where, the most frequent first. */
export function Failures({ failures }: { failures: Failure[] }) {
  return (
    <section class="card wide">
      <h2>What fails, and where</h2>
      {failures.length === 0 ? (
        <Empty>Nothing has failed for good, and nothing is being retried.</Empty>
      ) : (
        <DataTable
          caption="What fails, and where"
          rows={failures}
          keyOf={({ code, step }) => `${code} ${step}`}
          columns={[
            { head: 'Cause', cell: Cause },
            { head: 'Step', cell: ({ step }) => step ?? '–' },
            { head: 'Failed', isNumber: true, cell: ({ failed }) => number(failed) },
            { head: 'Retrying', isNumber: true, cell: ({ retrying }) => number(retrying) },
            { head: 'What to do', cell: ({ code }) => <small>{adviceFor(code)}</small> },
          ]}
        />
      )}
    </section>
  );
}

function Cause({ code, step, failed }: Failure) {
  if (failed === 0) return <a href={linkTo('devices', { state: 'retrying', errorCode: code })}>{code}</a>;
  return <a href={linkTo('dead-letters', { errorCode: code, step: step ?? undefined })}>{code}</a>;
}
