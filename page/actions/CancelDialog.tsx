import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { number } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';
import { actionNames } from '../parts/StateBadge.js';

interface Props {
  action: Action;
  onClose(): void;
  onCancelled(): void;
}

/** Asks whether an action is to be cancelled, and says what that does. */
export function CancelDialog({ action, onClose, onCancelled }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const { succeeded, underWay } = action.counts;
  return (
    <Dialog title={`Cancel this ${actionNames[action.kind].toLowerCase()}?`} onClose={onClose}>
      <p>
        Nothing more is asked for. {number(underWay)} that are under way{' '}
        {action.kind === 'rotate'
          ? 'keep their certificates, unless a worker has begun with them'
          : 'go back to the dead letters, each with its letter, and can be replayed later'}
        . {number(succeeded)} that are done stay done.
      </p>
      <Problem error={error} />
      <footer>
        <button type="button" class="secondary outline" onClick={onClose}>
          Let it run
        </button>
        <button
          type="button"
          class="danger"
          disabled={isBusy}
          onClick={() =>
            run(async () => {
              await api.cancel(action.id);
              onCancelled();
            })
          }
        >
          Cancel it
        </button>
      </footer>
    </Dialog>
  );
}
