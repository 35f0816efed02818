import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { duration } from '../format.js';
import { Time } from '../parts/Time.js';
import { Empty } from '../parts/View.js';

type Event = DeviceHistory['history'][number];

const tones: Record<Event['type'], string> = {
  requested: 'plain',
  waited: 'plain',
  ran: 'busy',
  died: 'bad',
  replayed: 'busy',
  cancelled: 'plain',
  discarded: 'plain',
};

/** The events of a device, the newest event first. */
export function History({ events }: { events: Event[] }) {
  return (
    <section class="card">
      <h2>History</h2>
      {events.length === 0 ? (
        <Empty>No events yet. A worker will process the request.</Empty>
      ) : (
        <ol class="history" reversed>
          {[...events].reverse().map((event) => (
            <li key={`${event.at} ${event.type} ${event.note}`}>
              <span class="when">
                <Time at={event.at} />
              </span>
              <span class={`badge ${tones[event.type]}`}>{event.type}</span>
              <div>
                <p>{event.note}</p>
                {event.steps && event.steps.length > 0 && <Steps steps={event.steps} />}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Steps({ steps }: { steps: NonNullable<Event['steps']> }) {
  return (
    <ol class="steps" aria-label="Steps of the run">
      {steps.map(({ step, ms, code }) => (
        <li key={step} class={code ? 'bad' : 'good'}>
          <span aria-hidden="true">{code ? '✗' : '✓'}</span> {step} <small>{duration(ms)}</small>
          {code ? <strong> {code}</strong> : <span class="hidden">done</span>}
        </li>
      ))}
    </ol>
  );
}
