import type { Action } from '../../src/ops/bulk/schema.js';
import { duration, number, plural } from '../format.js';
import { Shares } from '../parts/Shares.js';
import { Empty } from '../parts/View.js';

interface Props {
  plan: Action;
  /** As chosen so far; undefined: the hub's pace, all. */
  rate: number | undefined;
  limit: number | undefined;
}

/** What an action would do, in words and by cause and fleet. */
export function PlanSummary({ plan, rate, limit }: Props) {
  const { planned, quarantined } = plan.counts;
  const size = Math.min(planned, limit ?? planned);
  const seconds = rate ? (size / rate) * 60 : (plan.expectedSeconds * size) / Math.max(1, planned);
  const verb = plan.kind === 'replay' ? 'asked for again' : 'discarded';
  if (planned === 0)
    return (
      <Empty>
        Nothing of this can be {plan.kind === 'replay' ? 'replayed' : 'discarded'}.{' '}
        {quarantined > 0 &&
          `${plural(quarantined, 'device')} failed again too often: replay each from its own page.`}{' '}
        {plan.note}
      </Empty>
    );
  return (
    <>
      <p>
        <strong>
          {plural(size, 'request')} would be {verb}
        </strong>
        {plan.kind === 'replay' && <>, in about {duration(Math.max(1_000, seconds * 1_000))}</>}. What fails
        from now on is not in it.
      </p>
      {quarantined > 0 && (
        <p>
          {number(quarantined)} more are left out: they failed again after so many replays that each is only
          replayed from its own page.
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
