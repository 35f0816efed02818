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

/** Asks for the reason, shows what would be discarded, and does it when that is wanted. */
export function DiscardDialog({ filter, onClose, onStarted }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const [reason, setReason] = useState('');
  const [plan, setPlan] = useState<Action | null>(null);
  const planned = plan?.counts.planned ?? 0;
  return (
    <Dialog title="Discard dead letters" onClose={onClose}>
      <p>Of: {filterText(filter)}.</p>
      <p>
        A discarded request is not replayed any more, and its letter goes. The device itself may still ask
        again, and is then taken up as new.
      </p>
      <Problem error={error} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(async () => setPlan(await api.plan({ kind: 'discard', filter, reason: reason.trim() })));
        }}
      >
        <label>
          Why (kept in the audit)
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
            Do nothing
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
              Show what that would be
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}
