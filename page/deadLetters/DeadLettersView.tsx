import { useCallback, useState } from 'preact/hooks';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
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

/** What failed for good, by filter; all that fits can be replayed or discarded. */
export function DeadLettersView({ query }: { query: Record<string, string> }) {
  const { deadLetters: list } = useOps();
  const [doing, setDoing] = useState<'replay' | 'discard' | null>(null);
  const of = JSON.stringify(query);
  const paging = usePaging(of);
  const load = useCallback(
    (signal: AbortSignal) => list({ ...JSON.parse(of), limit: paging.size, cursor: paging.cursor }, signal),
    [list, of, paging.size, paging.cursor],
  );
  const polled = usePolled(load, () => everyMs);
  const hasAny = (polled.data?.total ?? 0) > 0;
  const done = {
    filter: filterOf(query),
    onClose: () => setDoing(null),
    onStarted({ id }: { id: string }) {
      location.hash = linkTo(`actions/${id}`);
    },
  };
  return (
    <View
      title="Dead letters"
      polled={polled}
      before={<DeadLetterFilters query={query} page={polled.data} />}
      actions={
        <>
          <button type="button" disabled={!hasAny} onClick={() => setDoing('replay')}>
            Plan a replay …
          </button>
          <button type="button" class="outline" disabled={!hasAny} onClick={() => setDoing('discard')}>
            Discard …
          </button>
        </>
      }
    >
      {({ deadLetters, total, next, incomplete, ...counts }) => (
        <>
          {incomplete && <p class="note">{incomplete}</p>}
          {deadLetters.length === 0 ? (
            <Empty>
              {Object.keys(query).length > 0
                ? 'No dead letter fits this filter.'
                : 'There are no dead letters: every request has ended well, or is still under way.'}
            </Empty>
          ) : (
            <>
              <DeadLetterCounts query={query} {...counts} />
              <DeadLetterTable deadLetters={deadLetters} />
              <Pager paging={paging} next={next} shown={deadLetters.length} total={total} />
            </>
          )}
          <details class="hint">
            <summary>Resending a dead letter with another tool</summary>
            <p>
              The Azure portal and Service Bus Explorer send a letter again under its old message id. Within
              the queue's window for duplicates (10 minutes after it was first sent) the broker drops that
              without a word, and nothing happens. A replay from here, or with{' '}
              <code>provisioner dead-letters replay</code>, has no such gap, is paced, and stands in the
              audit.
            </p>
          </details>
          {doing === 'replay' && <ReplayDialog {...done} />}
          {doing === 'discard' && <DiscardDialog {...done} />}
        </>
      )}
    </View>
  );
}
