import type { ComponentChildren } from 'preact';
import type { Overview } from '../../src/ops/overview/schema.js';
import { duration, number, plural } from '../format.js';
import { Time } from '../parts/Time.js';
import { linkTo } from '../route.js';

/** The figures that show the health of the system at a glance. */
export function KeyFigures({
  overview: { queue, rateLimiter, timing, status, failed },
}: {
  overview: Overview;
}) {
  const { waiting, doneAt } = status.backlog;
  const { p50Seconds, p95Seconds, count } = timing;
  return (
    <section class="figures" aria-label="Key figures">
      <Figure name="In progress" value={number(queue.active)} more="due now" />
      <Figure name="Scheduled" value={number(queue.scheduled)} more="waiting for their turn" />
      <Figure
        name="Failed requests"
        value={<a href={linkTo('dead-letters')}>{number(failed)}</a>}
        more={`${failed > 0 ? 'need an operator' : 'nothing to do'}; ${plural(queue.deadLettered, 'message')} in the dead-letter queue`}
        tone={failed > 0 ? 'bad' : 'good'}
      />
      <Figure
        name="Registry operations"
        value={rateLimiter.lastMinute === null ? '–' : number(rateLimiter.lastMinute)}
        more={
          <>
            of {number(rateLimiter.limitPerMinute)} a minute
            <meter
              aria-label="Rate against the hub's limit"
              min={0}
              max={rateLimiter.limitPerMinute}
              value={rateLimiter.lastMinute ?? 0}
            />
          </>
        }
      />
      <Figure name="Waiting" value={number(waiting ?? 0)} more={<End waiting={waiting} doneAt={doneAt} />} />
      <Figure
        name="Time to provisioned"
        value={p50Seconds === null ? '–' : duration(p50Seconds * 1_000)}
        more={
          p95Seconds === null
            ? 'no device was provisioned in the last hour'
            : `median of ${plural(count, 'device')}, last hour; 95 %: ${duration(p95Seconds * 1_000)}`
        }
      />
    </section>
  );
}

/** The end of the backlog, as the status line has it. */
function End({ waiting, doneAt }: Pick<Overview['status']['backlog'], 'waiting' | 'doneAt'>) {
  if (waiting === 0) return <>no device waits</>;
  if (doneAt === null) return <>devices; the end is not known</>;
  return (
    <>
      devices; done about <Time at={doneAt} />
    </>
  );
}

interface FigureProps {
  name: string;
  value: ComponentChildren;
  more: ComponentChildren;
  tone?: 'good' | 'bad';
}

function Figure({ name, value, more, tone }: FigureProps) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <h2>{name}</h2>
      <p class="value">{value}</p>
      <p class="more">{more}</p>
    </div>
  );
}
