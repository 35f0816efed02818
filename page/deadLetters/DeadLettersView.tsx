import { useCallback, useState } from 'preact/hooks';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { deadLetterColumns } from '../export/columns.js';
import { ExportButton } from '../export/ExportButton.js';
import { ActButton } from '../parts/ActButton.js';
import { Pager, usePaging } from '../parts/Pager.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { DeadLetterCounts } from './DeadLetterCounts.js';
import { DeadLetterFilters } from './DeadLetterFilters.js';
import { DeadLetterTable } from './DeadLetterTable.js';
import { DiscardDialog } from './DiscardDialog.js';
import { filterOf } from './filterOf.js';
import { ReplayDialog } from './ReplayDialog.js';

const everyMs = 10_000;

/** The requests that failed for good, by filter. All matching requests can be replayed or discarded. */
export function DeadLettersView({ query: given }: { query: Record<string, string> }) {
  const { deadLetters: list } = useOps();
  const [dialog, setDialog] = useState<'replay' | 'discard' | null>(null);
  // `view` belongs to the address of the page only.
  const { view: _, ...query } = given;
  const filters = JSON.stringify(query);
  const paging = usePaging(filters);
  const load = useCallback(
    (signal: AbortSignal) =>
      list({ ...JSON.parse(filters), limit: paging.size, cursor: paging.cursor }, signal),
    [list, filters, paging.size, paging.cursor],
  );
  const polled = usePolled(load, () => everyMs);
  const hasAny = (polled.data?.total ?? 0) > 0;
  const dialogProps = {
    filter: filterOf(query),
    onClose: () => setDialog(null),
    onStarted({ id }: { id: string }) {
      location.hash = linkTo(`actions/${id}`);
    },
  };
  return (
    <View
      title="Dead letters"
      polled={polled}
      before={
        <>
          <p>
            <a href={linkTo('dead-letters')}>All failures, grouped</a>
          </p>
          <DeadLetterFilters query={query} page={polled.data} />
        </>
      }
      actions={
        <>
          <ActButton disabled={!hasAny} onClick={() => setDialog('replay')}>
            Plan a replay …
          </ActButton>
          <ActButton class="outline" disabled={!hasAny} onClick={() => setDialog('discard')}>
            Discard …
          </ActButton>
          <ExportButton
            name="dead-letters"
            columns={deadLetterColumns}
            load={async (page) => {
              const { deadLetters: rows, next } = await list({ ...JSON.parse(filters), ...page });
              return { rows, next };
            }}
          />
        </>
      }
    >
      {({ deadLetters, total, next, incomplete, ...counts }) => (
        <>
          {incomplete && <p class="note">{incomplete}</p>}
          {deadLetters.length === 0 ? (
            <Empty>
              {Object.keys(query).length > 0
                ? 'No dead letter matches this filter.'
                : 'There are no dead letters: every request has succeeded or is still in progress.'}
            </Empty>
          ) : (
            <>
              <DeadLetterCounts query={query} {...counts} />
              <DeadLetterTable deadLetters={deadLetters} query={query} />
              <Pager paging={paging} next={next} shown={deadLetters.length} total={total} />
            </>
          )}
          <details class="hint">
            <summary>Resending a dead letter with another tool</summary>
            <p>
              The Azure portal and Service Bus Explorer resend a dead letter under the old message id. For 10
              minutes after the first send (the duplicate detection window of the queue) the broker silently
              drops such a message. A replay from this page, or with{' '}
              <code>provisioner dead-letters replay</code>, is not dropped, respects the rate limit, and
              appears in the audit.
            </p>
          </details>
          {dialog === 'replay' && <ReplayDialog {...dialogProps} />}
          {dialog === 'discard' && <DiscardDialog {...dialogProps} />}
        </>
      )}
    </View>
  );
}
