import type { Action } from '../../src/ops/bulk/schema.js';
import { filterText } from '../deadLetters/filterOf.js';
import { duration, number } from '../format.js';
import { Facts } from '../parts/Facts.js';
import { Time } from '../parts/Time.js';
import { linkTo } from '../route.js';

/** The facts of a bulk action: operators, times, and options. */
export function ActionFacts({ action }: { action: Action }) {
  const { startedAt, endedAt, kind, ratePerMinute, limit, ramp, reason, cancelledBy } = action;
  const isBulk = action.answer === null;
  const took = isBulk && startedAt && endedAt ? Date.parse(endedAt) - Date.parse(startedAt) : null;
  return (
    <Facts
      facts={{
        Filter: filterText(action.filter, kind),
        Device:
          !isBulk && action.filter.uuid ? (
            <a href={linkTo(`devices/${action.filter.uuid}`)}>state and history</a>
          ) : undefined,
        Reason: reason ?? undefined,
        [isBulk ? 'With service' : 'Service']:
          action.service === null ? undefined : action.service || 'the device level',
        'Without this service': action.lacking ? `${number(action.lacking)} of the devices` : undefined,
        Revoke: action.revoke
          ? 'the hub rejects the old certificates as soon as balena shows the new ones'
          : undefined,
        'Planned by': isBulk ? (
          <>
            {action.by}, <Time at={action.plannedAt} />
          </>
        ) : undefined,
        [isBulk ? 'Started by' : 'Requested by']: startedAt ? (
          <>
            {action.startedBy}, <Time at={startedAt} />
          </>
        ) : (
          'not started'
        ),
        'Cancelled by': cancelledBy ?? undefined,
        Finished:
          isBulk && endedAt ? (
            <>
              <Time at={endedAt} /> {took !== null && <small>(after {duration(took)})</small>}
            </>
          ) : undefined,
        Rate: kind !== 'discard' && ratePerMinute ? `${number(ratePerMinute)} a minute` : undefined,
        Limit: limit === null ? undefined : `the first ${number(limit)}`,
        Waves: ramp ? 'growing' : undefined,
        'Expected duration':
          isBulk && !endedAt && kind !== 'discard' ? duration(action.expectedSeconds * 1_000) : undefined,
      }}
    />
  );
}
