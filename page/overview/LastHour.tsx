import type { Overview } from '../../src/ops/overview/schema.js';
import type { Line } from '../parts/chartOptions.js';
import { TimeChart } from '../parts/TimeChart.js';
import { Empty } from '../parts/View.js';

type Depth = Pick<Overview['history'][number], 'at' | 'active' | 'scheduled' | 'deadLettered'>;
type Done = Overview['history'][number] & { limit: number };

const depthLines: Line<Depth>[] = [
  { label: 'Scheduled', colour: '--chart-1', value: ({ scheduled }) => scheduled },
  { label: 'In progress', colour: '--chart-2', dash: [6, 3], value: ({ active }) => active },
  { label: 'Dead letters', colour: '--chart-3', dash: [2, 2], value: ({ deadLettered }) => deadLettered },
];
const doneLines: Line<Done>[] = [
  { label: 'Registry operations', colour: '--chart-1', value: ({ operations }) => operations },
  { label: 'Provisioned', colour: '--chart-2', dash: [6, 3], value: ({ provisioned }) => provisioned },
  { label: 'Failed for good', colour: '--chart-3', dash: [2, 2], value: ({ failed }) => failed },
  { label: "The hub's limit", colour: '--chart-4', dash: [10, 6], value: ({ limit }) => limit },
];

/** Charts of the last hour, minute by minute: the depth of the queue, and the finished work. */
export function LastHour({ overview: { at, queue, history, rateLimiter } }: { overview: Overview }) {
  if (history.length === 0)
    return (
      <Empty>
        The charts of the last hour begin two minutes after the start, because each point compares two
        samples, and samples are taken every minute.
      </Empty>
    );
  return (
    <div class="charts">
      <TimeChart
        title="Depth of the queue, last hour"
        lines={depthLines}
        points={[...history, { at, ...queue }]}
      />
      <TimeChart
        title="Finished in each minute, last hour"
        lines={doneLines}
        points={history.map((sample) => ({ ...sample, limit: rateLimiter.limitPerMinute }))}
      />
    </div>
  );
}
