import { adviceOn } from '../../src/ops/advice.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { number, plural } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { Shares } from '../parts/Shares.js';
import { StateBadge } from '../parts/StateBadge.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { KeyFigures } from './KeyFigures.js';
import { LastHour } from './LastHour.js';

const everyMs = 5_000;

/** What the system is at, in one look. */
export function OverviewView() {
  const polled = usePolled(useOps().overview, () => everyMs);
  return (
    <View title="Overview" polled={polled}>
      {(overview) => (
        <>
          <KeyFigures overview={overview} />
          {overview.queue.note && <p class="note">{overview.queue.note}</p>}
          <LastHour overview={overview} />
          <div class="cards">
            <Failures failures={overview.failures} />
            <States states={overview.states} devices={overview.devices} />
            <Dependencies dependencies={overview.dependencies} />
            <Certificates certificates={overview.certificates} />
          </div>
        </>
      )}
    </View>
  );
}

type Failure = Overview['failures'][number];

/** What fails and where, the most frequent first. */
export function Failures({ failures }: { failures: Failure[] }) {
  return (
    <section class="card wide">
      <h2>What fails, and where</h2>
      {failures.length === 0 ? (
        <Empty>Nothing has failed for good, and nothing is being retried.</Empty>
      ) : (
        <DataTable
          caption="What fails, and where"
          rows={failures}
          keyOf={({ code, step }) => `${code} ${step}`}
          columns={[
            { head: 'Cause', cell: Cause },
            { head: 'Step', cell: ({ step }) => step ?? '–' },
            { head: 'Failed', isNumber: true, cell: ({ failed }) => number(failed) },
            { head: 'Retrying', isNumber: true, cell: ({ retrying }) => number(retrying) },
            { head: 'What to do', cell: ({ code }) => <small>{adviceOn(code)}</small> },
          ]}
        />
      )}
    </section>
  );
}

function Cause({ code, step, failed }: Failure) {
  if (failed === 0) return <a href={linkTo('devices', { state: 'retrying', errorCode: code })}>{code}</a>;
  return <a href={linkTo('dead-letters', { errorCode: code, step: step ?? undefined })}>{code}</a>;
}

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

const names = { balena: 'balena', hub: 'IoT Hub' };

/** Balena and the hub, as the workers last saw them. */
export function Dependencies({ dependencies }: Pick<Overview, 'dependencies'>) {
  return (
    <section class="card">
      <h2>Dependencies</h2>
      <ul class="lines">
        {(['balena', 'hub'] as const).map((name) => {
          const { ok, detail } = dependencies[name];
          return (
            <li key={name}>
              <span class={`badge ${ok ? 'good' : 'bad'}`}>{ok ? 'well' : 'not well'}</span>
              <span>
                <strong>{names[name]}</strong> <small>{detail}</small>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Certificates by the days that they have left. */
export function Certificates({ certificates }: Pick<Overview, 'certificates'>) {
  const { expired, within7Days, within30Days, later } = certificates;
  return (
    <section class="card">
      <h2>Certificates</h2>
      {expired + within7Days + within30Days + later === 0 ? (
        <Empty>No device holds a certificate yet.</Empty>
      ) : (
        <Shares
          label="Certificates by days left"
          counts={{
            expired,
            'within 7 days': within7Days,
            'within 30 days': within30Days,
            'more than 30 days': later,
          }}
        />
      )}
    </section>
  );
}
