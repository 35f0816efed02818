import { useCallback } from 'preact/hooks';
import type { RecordLine } from '../../src/ops/devices/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { deviceColumns } from '../devices/deviceColumns.js';
import { recordColumns } from '../export/columns.js';
import { ExportButton } from '../export/ExportButton.js';
import { daysLeft, number, plural } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { Field } from '../parts/Field.js';
import { Pager, usePaging } from '../parts/Pager.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { refine } from '../route.js';

const everyMs = 30_000;
const spans = ['1d', '7d', '30d', '90d', '365d'];

/** `30 days` for `30d`, and `12 hours` for `12h`. */
function spanText(span: string): string {
  return plural(Number.parseInt(span, 10), span.endsWith('d') ? 'day' : 'hour');
}

/** The certificates that expire soon, the first expiry first. */
export function CertificatesView({ query }: { query: Record<string, string> }) {
  const { certificates } = useOps();
  const filters = JSON.stringify({ within: '30d', ...query });
  const paging = usePaging(filters);
  const load = useCallback(
    (signal: AbortSignal) =>
      certificates({ ...JSON.parse(filters), limit: paging.size, cursor: paging.cursor }, signal),
    [certificates, filters, paging.size, paging.cursor],
  );
  const polled = usePolled(load, () => everyMs);
  const set = (name: string) => (value: string) => refine('certificates', { ...query, [name]: value });
  const within = query.within ?? '30d';
  return (
    <View
      title="Certificates that expire soon"
      polled={polled}
      before={
        <search>
          <form class="filters" onSubmit={(event) => event.preventDefault()}>
            <Field label="Within" value={within} choices={spans} textOf={spanText} onDone={set('within')} />
            <Field label="Fleet" value={query.fleet ?? ''} hint="organization/name" onDone={set('fleet')} />
          </form>
        </search>
      }
      actions={
        <ExportButton
          name="certificates"
          columns={recordColumns}
          load={async (page) => {
            const { records, next } = await certificates({ ...JSON.parse(filters), ...page });
            return { rows: records, next };
          }}
        />
      }
    >
      {({ records, total, expired, next }) =>
        total === 0 ? (
          <Empty>No certificate is expired, or expires within {spanText(within)}.</Empty>
        ) : (
          <>
            <p>
              <strong>{plural(total, 'certificate')}</strong>
              {expired > 0 && <>, {number(expired)} of them expired</>}. Each certificate is renewed
              automatically at 80 % of its lifetime, or as RENEW_AT says. A certificate in this list is late,
              or its lifetime is short.
            </p>
            <DataTable
              caption="Certificates, the first expiry first"
              rows={records}
              keyOf={({ uuid }) => uuid}
              columns={columns}
            />
            <Pager paging={paging} next={next} shown={records.length} total={total} />
          </>
        )
      }
    </View>
  );
}

const { device, state, cause, fleet, service } = deviceColumns;
const columns = [
  device,
  {
    head: 'Expires',
    cell: ({ certificateExpiresAt }: RecordLine) => (
      <span>
        <Time at={certificateExpiresAt} />{' '}
        {certificateExpiresAt && <small>({daysLeft(Date.parse(certificateExpiresAt), Date.now())})</small>}
      </span>
    ),
  },
  state,
  cause,
  fleet,
  service,
];
