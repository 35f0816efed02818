import type { Overview } from '../../src/ops/overview/schema.js';
import { plural } from '../format.js';
import { Empty } from '../parts/Empty.js';
import { Shares } from '../parts/Shares.js';
import { StateBadge } from '../parts/StateBadge.js';
import { linkTo } from '../route.js';

/** Devices by the state of their request. */
export function States({ states, devices }: Pick<Overview, 'states' | 'devices'>) {
  return (
    <section class="card">
      <h2>Requests by state</h2>
      {devices === 0 ? (
        <Empty>No device has asked yet. The first POST to /api/provision shows up here.</Empty>
      ) : (
        <>
          <Shares
            label="Devices by state"
            counts={states}
            show={(state) => <StateBadge state={state} />}
            href={(state) => linkTo('devices', { state })}
          />
          <p class="more">{plural(devices, 'device')} in all</p>
        </>
      )}
    </section>
  );
}
