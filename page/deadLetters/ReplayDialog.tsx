import { useEffect, useState } from 'preact/hooks';
import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { plural } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';
import { type DeadLetterFilter, filterText } from './filterOf.js';
import { PlanSummary } from './PlanSummary.js';
import { noChoice, type ReplayChoice, ReplayOptions, startOf } from './ReplayOptions.js';
import { ServiceChoice } from './ServiceChoice.js';

interface Props {
  filter: DeadLetterFilter;
  onClose(): void;
  onStarted(action: Action): void;
}

/** Plans a replay, which fixes the set of devices, shows the effect, and starts the replay after a confirmation. */
export function ReplayDialog({ filter, onClose, onStarted }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const [plan, setPlan] = useState<Action | null>(null);
  const [choice, setChoice] = useState<ReplayChoice>(noChoice);
  const makePlan = (service?: string) =>
    run(async () => {
      setPlan(null);
      const made = await api.plan({ kind: 'replay', filter, ...(service !== undefined && { service }) });
      setPlan(made);
      setChoice({ ...noChoice, ramp: made.counts.planned > 20 });
    });
  // Each opening of the dialog, and each choice of a service, makes one plan.
  useEffect(() => makePlan(), []);
  const planned = plan?.counts.planned ?? 0;
  const start = startOf(choice, planned);
  return (
    <Dialog title={planned === 1 ? 'Replay one request' : 'Plan a replay'} onClose={onClose}>
      <p>Filter: {filterText(filter)}.</p>
      <ServiceChoice isBusy={isBusy} onChosen={makePlan} />
      <Problem error={error} />
      <div role="status">
        {!plan && isBusy && <p aria-busy="true">Finding the matching requests …</p>}
        {plan && <PlanSummary plan={plan} rate={start.rate} limit={start.limit} />}
      </div>
      {planned > 1 && <ReplayOptions choice={choice} planned={planned} onChange={setChoice} />}
      <footer>
        <button type="button" class="secondary outline" onClick={onClose}>
          Close without a replay
        </button>
        <button
          type="button"
          disabled={!plan || planned === 0 || isBusy}
          onClick={() => plan && run(async () => onStarted(await api.start(plan.id, start)))}
        >
          {planned === 0 ? 'Replay' : `Replay ${plural(start.limit ?? planned, 'request')}`}
        </button>
      </footer>
    </Dialog>
  );
}
