import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { FleetPlan, FleetRequestProgress } from '../../src/ops/requests/fleet.js';
import { useOps } from '../api/useOps.js';
import { SettingsContext } from '../api/useSettings.js';
import { number, plural, serviceName } from '../format.js';
import { Dialog, Problem, useTask } from '../parts/Dialog.js';
import { ServiceField } from '../requests/ServiceField.js';

interface Props {
  /** The fleet; empty: the operator enters the slug. */
  fleet: string;
  onClose(): void;
}

type Counts = Omit<FleetRequestProgress, 'next' | 'action'>;

/** Requests credentials for a fleet: counts the devices, and requests them after a confirmation, part by part. */
export function FleetDialog({ fleet: given, onClose }: Props) {
  const api = useOps();
  const fallback = useContext(SettingsContext)?.defaultService ?? '';
  const { isBusy, error, run } = useTask();
  const [fleet, setFleet] = useState(given);
  const [service, setService] = useState<string | null>(null);
  const [onlyMissing, setOnlyMissing] = useState(true);
  const [move, setMove] = useState(false);
  const [plan, setPlan] = useState<FleetPlan | null>(null);
  const [counts, setCounts] = useState<Counts | null>(null);
  const [isDone, setDone] = useState(false);
  const isClosed = useRef(false);
  useEffect(
    () => () => {
      isClosed.current = true;
    },
    [],
  );
  const request = { fleet: fleet.trim(), service: service ?? fallback, onlyMissing, move };
  // Another choice needs another count.
  useEffect(() => setPlan(null), [fleet, service, onlyMissing, move]);

  async function requestAll() {
    let after: string | undefined;
    let row: string | undefined;
    let sum: Counts | null = null;
    do {
      const { next, action, ...part } = await api.requestFleet({
        ...request,
        ...(after && { after, action: row }),
      });
      row = action;
      sum = added(sum, part);
      setCounts(sum);
      after = next ?? undefined;
    } while (after !== undefined && !isClosed.current);
    setDone(true);
  }

  return (
    <Dialog title="Request credentials for a fleet" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(plan ? requestAll : async () => setPlan(await api.planFleet(request)));
        }}
      >
        <fieldset disabled={isBusy || counts !== null}>
          <legend class="hidden">Which devices</legend>
          <label>
            Fleet
            <input
              value={fleet}
              required
              placeholder="organization/name"
              autoComplete="off"
              spellcheck={false}
              onInput={(event) => setFleet(event.currentTarget.value)}
            />
          </label>
          <ServiceField value={service ?? fallback} onChange={setService} />
          <label>
            <input
              type="checkbox"
              checked={onlyMissing}
              onChange={(event) => setOnlyMissing(event.currentTarget.checked)}
            />
            Only devices without credentials
          </label>
          <label>
            <input
              type="checkbox"
              checked={move}
              onChange={(event) => setMove(event.currentTarget.checked)}
            />
            Also move devices with another desired service to this service
          </label>
        </fieldset>
        <Problem error={error} />
        <div role="status">
          {plan && !counts && <PlanText plan={plan} />}
          {counts && <CountsText counts={counts} isDone={isDone} planned={plan?.devices ?? 0} />}
        </div>
        <footer>
          <button type="button" class="secondary outline" onClick={onClose}>
            {isDone ? 'Close' : counts ? 'Stop after this part' : 'Request nothing'}
          </button>
          {!isDone && (
            <button
              type="submit"
              disabled={isBusy || request.fleet === '' || plan?.devices === 0}
              aria-busy={isBusy}
            >
              {plan ? `Request ${plural(plan.devices, 'device')}` : 'Count the devices'}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

function PlanText({
  plan: { devices, atOtherService, otherServices, lacking, service },
}: {
  plan: FleetPlan;
}) {
  const others = Object.entries(otherServices).map(
    ([name, count]) => `${serviceName(name)} ${number(count)}`,
  );
  return (
    <>
      <p>
        <strong>{plural(devices, 'device')} would be requested</strong> for {serviceName(service)}.
      </p>
      {atOtherService > 0 && (
        <p>
          {plural(atOtherService, 'device')} at another service stay as they are: {others.join(', ')}.
        </p>
      )}
      {lacking > 0 && (
        <p>
          {plural(lacking, 'device')} of the fleet without this service in balena: the requests of these
          devices fail until balena shows the service.
        </p>
      )}
    </>
  );
}

function CountsText({ counts, isDone, planned }: { counts: Counts; isDone: boolean; planned: number }) {
  const parts: [number, string][] = [
    [counts.requested, 'requested'],
    [counts.underWay, 'already under way'],
    [counts.alreadyProvisioned, 'already provisioned'],
    [counts.skipped, 'skipped'],
    [counts.atOtherService, 'with another desired service'],
    [counts.failed, 'failed earlier: replay them after their cause is fixed'],
    [counts.conflicts, 'moved less than ten minutes ago'],
  ];
  const shown = parts.filter(([count]) => count > 0).map(([count, text]) => `${number(count)} ${text}`);
  return (
    <>
      {!isDone && <progress value={counts.devices - counts.skipped} max={Math.max(planned, 1)} />}
      <p>
        <strong>{isDone ? 'Done.' : 'Requesting …'}</strong> {shown.join(', ') || 'no device'}.
        {isDone && ' Workers provision the devices; the page of the fleets shows the progress.'}
      </p>
    </>
  );
}

function added(sum: Counts | null, part: Counts): Counts {
  if (!sum) return part;
  const entries = Object.entries(part) as [keyof Counts, number][];
  return Object.fromEntries(entries.map(([name, count]) => [name, sum[name] + count])) as Counts;
}
