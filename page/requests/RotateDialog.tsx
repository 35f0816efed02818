import { useEffect, useState } from 'preact/hooks';
import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { duration, plural } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';

interface Props {
  /** One device, or a fleet. */
  filter: { uuid: string } | { fleet: string };
  onClose(): void;
  onStarted(action: Action): void;
}

/** Plans the rotation of certificates, shows the effect, and starts the rotation after a confirmation. */
export function RotateDialog({ filter, onClose, onStarted }: Props) {
  const api = useOps();
  const { isBusy, error, run } = useTask();
  const [plan, setPlan] = useState<Action | null>(null);
  const [revoke, setRevoke] = useState(false);
  const [ramp, setRamp] = useState(!('uuid' in filter));
  // The plan holds whether the old certificates are revoked, so a change of the box makes another plan.
  useEffect(() => {
    setPlan(null);
    run(async () => setPlan(await api.plan({ kind: 'rotate', filter, revoke })));
  }, [revoke]);
  const planned = plan?.counts.planned ?? 0;
  return (
    <Dialog title="Rotate certificates" onClose={onClose}>
      <p>
        Each device gets a new key and certificate. The hub accepts the new certificate before the device
        receives it, so the device stays connected.
      </p>
      <Problem error={error} />
      <div role="status">
        {!plan && isBusy && <p aria-busy="true">Counting the certificates …</p>}
        {plan && (
          <p>
            <strong>
              {planned === 0
                ? 'No certificate matches.'
                : `${plural(planned, 'certificate')} would be replaced`}
            </strong>
            {planned > 0 && <>, in about {duration(Math.max(1_000, plan.expectedSeconds * 1_000))}.</>}
          </p>
        )}
        {plan?.note && <p>{plan.note}</p>}
      </div>
      <label>
        <input
          type="checkbox"
          checked={revoke}
          disabled={isBusy}
          onChange={(event) => setRevoke(event.currentTarget.checked)}
        />
        After a leak: revoke the old certificates. A device is then offline until its service has restarted.
      </label>
      {planned > 1 && (
        <label>
          <input type="checkbox" checked={ramp} onChange={(event) => setRamp(event.currentTarget.checked)} />
          In growing waves of 10, 20, 40 … devices. The rotation stops when more than one in ten fail.
        </label>
      )}
      <footer>
        <button type="button" class="secondary outline" onClick={onClose}>
          Keep the certificates
        </button>
        <button
          type="button"
          class={revoke ? 'danger' : ''}
          disabled={!plan || planned === 0 || isBusy}
          onClick={() => plan && run(async () => onStarted(await api.start(plan.id, { ramp })))}
        >
          {planned === 0 ? 'Rotate' : `Rotate ${plural(planned, 'certificate')}`}
        </button>
      </footer>
    </Dialog>
  );
}
