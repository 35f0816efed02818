import type { Overview } from '../../src/ops/overview/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { plural, withLocalTimes } from '../format.js';
import { Shares } from '../parts/Shares.js';
import { StateBadge } from '../parts/StateBadge.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { FleetCard } from './FleetCard.js';
import { KeyFigures } from './KeyFigures.js';
import { LastHour } from './LastHour.js';
import { TopFailures } from './TopFailures.js';

const everyMs = 5_000;

/** The state of the whole system. */
export function OverviewView() {
  const polled = usePolled(useOps().overview, () => everyMs);
  return (
    <View title="Overview" polled={polled}>
      {(overview) => (
        <>
          <KeyFigures overview={overview} />
          {overview.queue.note && <p class="note">{overview.queue.note}</p>}
          <TopFailures />
          <LastHour overview={overview} />
          <div class="cards four">
            <FleetCard />
            <States states={overview.states} devices={overview.devices} />
            <Dependencies dependencies={overview.dependencies} />
            <Certificates certificates={overview.certificates} />
          </div>
        </>
      )}
    </View>
  );
}

/** The number of devices in each state. */
function States({ states, devices }: Pick<Overview, 'states' | 'devices'>) {
  return (
    <section class="card">
      <h2>Requests by state</h2>
      {devices === 0 ? (
        <Empty>No device was requested yet. The first POST to /api/provision will appear here.</Empty>
      ) : (
        <>
          <Shares
            label="Devices by state"
            counts={withoutZeros(states)}
            show={(state) => <StateBadge state={state} />}
            href={(state) => linkTo('devices', { state })}
          />
          <p class="more">{plural(devices, 'device')} in all</p>
        </>
      )}
    </section>
  );
}

/** The states in which there are devices. */
function withoutZeros(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

const names = { queue: 'Queue', worker: 'Worker', balena: 'balena', hub: 'IoT Hub' };

/** Whether the queue answers, whether a worker takes messages, and whether balena and the hub answer, by the last requests of the workers. */
function Dependencies({ dependencies }: Pick<Overview, 'dependencies'>) {
  return (
    <section class="card">
      <h2>Dependencies</h2>
      <ul class="lines">
        {(['queue', 'worker', 'balena', 'hub'] as const).map((name) => {
          const { ok, detail } = dependencies[name];
          return (
            <li key={name}>
              <span class={`badge ${ok ? 'good' : 'bad'}`}>{ok ? 'healthy' : 'unhealthy'}</span>
              <span>
                <strong>{names[name]}</strong> <small>{withLocalTimes(detail, Date.now())}</small>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The list of certificates that a line of the card opens. An expired certificate is in every list. */
const spans: Record<string, string> = { expired: '1d', 'within 7 days': '7d', 'within 30 days': '30d' };

/** The number of certificates by remaining days. */
function Certificates({ certificates }: Pick<Overview, 'certificates'>) {
  const { expired, within7Days, within30Days, later } = certificates;
  return (
    <section class="card">
      <h2>Certificates</h2>
      {expired + within7Days + within30Days + later === 0 ? (
        <Empty>No device has a certificate yet.</Empty>
      ) : (
        <Shares
          label="Certificates by remaining days"
          counts={{
            expired,
            'within 7 days': within7Days,
            'within 30 days': within30Days,
            'more than 30 days': later,
          }}
          href={(name, count) =>
            count > 0 && spans[name] ? linkTo('certificates', { within: spans[name] }) : undefined
          }
        />
      )}
    </section>
  );
}
