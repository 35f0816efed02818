import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { plural } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';
import { actionNames } from '../parts/StateBadge.js';

interface Props {
  action: Action;
  onClose(): void;
  onCancelled(): void;
}

/** Asks the operator to confirm the cancellation of an action, and explains the effect. */
export function CancelDialog({ action, onClose, onCancelled }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const { succeeded, underWay } = action.counts;
  return (
    <Dialog title={`Cancel this ${actionNames[action.kind].toLowerCase()}?`} onClose={onClose}>
      <p>
        No further device is requested. {plural(underWay, 'device')} in progress{' '}
        {action.kind === 'rotate'
          ? 'will keep the old certificate, unless a worker has already begun'
          : 'will be dead-lettered again and can be replayed later'}
        . {plural(succeeded, 'finished device')} will not change.
      </p>
      <Problem error={error} />
      <footer>
        <button type="button" class="secondary outline" onClick={onClose}>
          Let the {actionNames[action.kind].toLowerCase()} run
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
          Cancel the {actionNames[action.kind].toLowerCase()}
        </button>
      </footer>
    </Dialog>
  );
}
