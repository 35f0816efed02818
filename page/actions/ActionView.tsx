import { useCallback, useState } from 'preact/hooks';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { ActButton } from '../parts/ActButton.js';
import { Shares } from '../parts/Shares.js';
import { actionNames, StateBadge } from '../parts/StateBadge.js';
import { View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { ActionFacts } from './ActionFacts.js';
import { ActionFailures } from './ActionFailures.js';
import { CancelDialog } from './CancelDialog.js';
import { Progress } from './Progress.js';

const unfinished = ['running', 'cancelling'];
const everyMs = 1_500;

/** One bulk action with its progress. */
export function ActionView({ id }: { id: string }) {
  const { action: read } = useOps();
  const [isCancelling, setCancelling] = useState(false);
  const load = useCallback((signal: AbortSignal) => read(id, signal), [read, id]);
  const polled = usePolled(load, ({ state }) => (unfinished.includes(state) ? everyMs : null));
  const { data } = polled;
  return (
    <View
      title={data ? actionNames[data.kind] : 'Action'}
      polled={polled}
      before={
        <p>
          <a href={linkTo('actions')}>All actions</a>
        </p>
      }
      actions={
        data?.state === 'running' && (
          <ActButton class="danger outline" onClick={() => setCancelling(true)}>
            Cancel …
          </ActButton>
        )
      }
    >
      {(action) => (
        <>
          <p class="state-line">
            {action.answer === null ? <StateBadge state={action.state} /> : <strong>{action.answer}</strong>}
            {action.note && <span>{action.note}</span>}
          </p>
          {action.answer === null && <Progress action={action} />}
          <ActionFailures action={action} />
          <div class="cards three">
            <section class="card">
              <h2>Details</h2>
              <ActionFacts action={action} />
            </section>
            {Object.keys(action.byCode).length > 0 && (
              <section class="card">
                <h2>By cause</h2>
                <Shares label="By cause" counts={action.byCode} />
              </section>
            )}
            {Object.keys(action.byFleet).length > 0 && (
              <section class="card">
                <h2>By fleet</h2>
                <Shares label="By fleet" counts={action.byFleet} />
              </section>
            )}
          </div>
          {isCancelling && (
            <CancelDialog
              action={action}
              onClose={() => setCancelling(false)}
              onCancelled={() => {
                setCancelling(false);
                polled.refresh();
              }}
            />
          )}
        </>
      )}
    </View>
  );
}
