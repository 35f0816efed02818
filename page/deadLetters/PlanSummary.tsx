import type { Action } from '../../src/ops/bulk/schema.js';
import { duration, plural } from '../format.js';
import { Shares } from '../parts/Shares.js';
import { Empty } from '../parts/View.js';

interface Props {
  plan: Action;
  /** The chosen requests a minute; undefined for the rate limit of the hub. */
  rate: number | undefined;
  /** The chosen number of requests; undefined for all. */
  limit: number | undefined;
}

/** The effect of a planned action in words, with counts by cause and fleet. */
export function PlanSummary({ plan, rate, limit }: Props) {
  const { planned, quarantined } = plan.counts;
  const size = Math.min(planned, limit ?? planned);
  const seconds = rate ? (size / rate) * 60 : (plan.expectedSeconds * size) / Math.max(1, planned);
  const verb = plan.kind === 'replay' ? 'replayed' : 'discarded';
  const place = plan.service === '' ? 'at the device level' : `with the service ${plan.service}`;
  if (planned === 0)
    return (
      <Empty>
        None of these requests can be {verb}.{' '}
        {quarantined > 0 &&
          `${plural(quarantined, 'device')} failed again too often. Replay each from the page of the device.`}{' '}
        {plan.note}
      </Empty>
    );
  return (
    <>
      <p>
        <strong>
          {plural(size, 'request')} would be {verb}
          {plan.service !== null && ` ${place}`}
        </strong>
        {plan.kind === 'replay' && <>, in about {duration(Math.max(1_000, seconds * 1_000))}</>}. Requests
        that fail from now on are not included.
      </p>
      {quarantined > 0 && (
        <p>
          Not included: {plural(quarantined, 'quarantined device')} with too many failed replays. Replay each
          from the page of the device.
        </p>
      )}
      {plan.lacking !== null && (
        <p>
          {plan.lacking === 0
            ? 'balena shows the service on each device whose fleet is known.'
            : `${plural(plan.lacking, 'device')} without this service in balena: the requests of these devices fail again.`}
        </p>
      )}
      {plan.note && <p>{plan.note}</p>}
      {planned > 1 && (
        <div class="cards">
          <div>
            <h3>By cause</h3>
            <Shares label="By cause" counts={plan.byCode} />
          </div>
          <div>
            <h3>By fleet</h3>
            <Shares label="By fleet" counts={plan.byFleet} />
          </div>
        </div>
      )}
    </>
  );
}
