import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { View } from '../parts/View.js';
import { Certificates } from './Certificates.js';
import { Dependencies } from './Dependencies.js';
import { Failures } from './Failures.js';
import { KeyFigures } from './KeyFigures.js';
import { LastHour } from './LastHour.js';
import { States } from './States.js';

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
