import type { Overview } from '../../src/ops/overview/schema.js';
import { type Line, TimeChart } from '../parts/TimeChart.js';
import { Empty } from '../parts/View.js';

type Depth = Pick<Overview['history'][number], 'at' | 'active' | 'scheduled' | 'deadLettered'>;
type Done = Overview['history'][number] & { limit: number };

const depthLines: Line<Depth>[] = [
  { label: 'Scheduled', colour: '--chart-1', value: ({ scheduled }) => scheduled },
  { label: 'Being worked on', colour: '--chart-2', dash: [6, 3], value: ({ active }) => active },
  { label: 'Dead letters', colour: '--chart-3', dash: [2, 2], value: ({ deadLettered }) => deadLettered },
];
const doneLines: Line<Done>[] = [
  { label: 'Registry operations', colour: '--chart-1', value: ({ operations }) => operations },
  { label: 'Provisioned', colour: '--chart-2', dash: [6, 3], value: ({ provisioned }) => provisioned },
  { label: 'Failed for good', colour: '--chart-3', dash: [2, 2], value: ({ failed }) => failed },
  { label: "The hub's limit", colour: '--chart-4', dash: [10, 6], value: ({ limit }) => limit },
];

/** The last hour, minute by minute: what waited, and what was done. */
export function LastHour({ overview: { at, queue, history, rateLimiter } }: { overview: Overview }) {
  if (history.length === 0)
    return (
      <Empty>
        The charts of the last hour begin two minutes after the start: a sample is taken every minute, and
        each is compared with the one before.
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
        title="Done in each minute, last hour"
        lines={doneLines}
        points={history.map((sample) => ({ ...sample, limit: rateLimiter.limitPerMinute }))}
      />
    </div>
  );
}
