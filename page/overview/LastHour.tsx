import type { Overview } from '../../src/ops/overview/schema.js';
import { number } from '../format.js';
import { DataTable } from '../parts/DataTable.js';
import { MinuteAxis, MinuteBars, type Series } from '../parts/MinuteBars.js';
import { Empty } from '../parts/View.js';
import { byMinute, firstMinute, minuteMs, minutes } from './minutes.js';

type Sample = Overview['history'][number];

/** The last hour, minute by minute: the finished work, and the depth of the queue. The hour is fixed: a minute without a sample is empty. */
export function LastHour({ overview: { at, history, rateLimiter } }: { overview: Overview }) {
  if (history.length === 0)
    return (
      <Empty>
        The bars of the last hour begin two minutes after the start: samples are taken every minute, and the
        work of a minute is the difference of two samples.
      </Empty>
    );
  const from = firstMinute(Date.parse(at));
  const samples = byMinute(history, from);
  const counts = (of: (sample: Sample) => number) => samples.map((sample) => (sample ? of(sample) : null));
  const done = 'in the last minute';
  const limit = { label: "the hub's limit", value: rateLimiter.limitPerMinute };
  const finished: Series[] = [
    {
      label: 'Provisioned',
      colour: '--chart-2',
      counts: counts((sample) => sample.provisioned),
      newest: done,
    },
    {
      label: 'Failed for good',
      colour: '--chart-3',
      counts: counts((sample) => sample.failed),
      newest: done,
    },
    {
      label: 'Registry operations',
      colour: '--chart-1',
      counts: counts((sample) => sample.operations),
      newest: done,
      limit,
    },
  ];
  const depths: Series[] = [
    {
      label: 'Scheduled',
      colour: '--chart-1',
      counts: counts((sample) => sample.scheduled),
      newest: 'now',
    },
    {
      label: 'In progress',
      colour: '--chart-2',
      counts: counts((sample) => sample.active),
      newest: 'now',
    },
    {
      label: 'Dead letters',
      colour: '--chart-3',
      counts: counts((sample) => sample.deadLettered),
      newest: 'now',
    },
  ];
  return (
    <div class="charts">
      <Bars title="Finished in each minute, last hour" series={finished} from={from} />
      <Bars title="Waiting at each minute, last hour" series={depths} from={from} />
    </div>
  );
}

interface BarsProps {
  title: string;
  series: Series[];
  from: number;
}

function Bars({ title, series, from }: BarsProps) {
  const rows = Array.from({ length: minutes }, (_, minute) => minute).filter((minute) =>
    series.some(({ counts }) => counts[minute] != null),
  );
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      {series.map((each) => (
        <MinuteBars key={each.label} series={each} from={from} />
      ))}
      <MinuteAxis from={from} minutes={minutes} />
      <details>
        <summary>As a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard can scroll only a section that takes the focus */}
        <section class="scroll" tabIndex={0} aria-label={`${title}, as a table`}>
          <DataTable
            caption={title}
            rows={[...rows].reverse()}
            keyOf={String}
            columns={[
              { head: 'Minute', cell: (minute) => clock.format(from + minute * minuteMs) },
              ...series.map(({ label, counts }) => ({
                head: label,
                isNumber: true,
                cell: (minute: number) => number(counts[minute] ?? 0),
              })),
            ]}
          />
        </section>
      </details>
    </figure>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
