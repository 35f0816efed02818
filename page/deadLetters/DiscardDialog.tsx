import { useState } from 'preact/hooks';
import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { plural } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';
import { type DeadLetterFilter, filterText } from './filterOf.js';
import { PlanSummary } from './PlanSummary.js';

interface Props {
  filter: DeadLetterFilter;
  onClose(): void;
  onStarted(action: Action): void;
}

/** Requests a reason from the operator, shows the number of requests to discard, and discards them after a confirmation. */
export function DiscardDialog({ filter, onClose, onStarted }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const [reason, setReason] = useState('');
  const [plan, setPlan] = useState<Action | null>(null);
  const planned = plan?.counts.planned ?? 0;
  return (
    <Dialog title="Discard dead letters" onClose={onClose}>
      <p>Filter: {filterText(filter)}.</p>
      <p>
        A discarded request is never replayed, and its dead letter is removed. A later request of the same
        device is accepted as a new one.
      </p>
      <Problem error={error} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => setPlan(await api.plan({ kind: 'discard', filter, reason: reason.trim() })));
        }}
      >
        <label>
          Reason (kept in the audit)
          <input
            value={reason}
            required
            maxLength={500}
            disabled={plan !== null}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        <div role="status">{plan && <PlanSummary plan={plan} rate={undefined} limit={undefined} />}</div>
        <footer>
          <button type="button" class="secondary outline" onClick={onClose}>
            Close without discarding
          </button>
          {plan ? (
            <button
              type="button"
              class="danger"
              disabled={planned === 0 || isBusy}
              onClick={() => run(async () => onStarted(await api.start(plan.id, {})))}
            >
              Discard {plural(planned, 'request')}
            </button>
          ) : (
            <button type="submit" disabled={isBusy || reason.trim() === ''} aria-busy={isBusy}>
              Show the requests to discard
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}
