import { useCallback, useState } from 'preact/hooks';
import type { ActivityEvent } from '../../src/ops/activity/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { plural, serviceName, shortUuid } from '../format.js';
import { isNarrow } from '../parts/isNarrow.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';

const everyMs = 2_000;

const tones: Record<ActivityEvent['type'], string> = {
  requested: 'plain',
  provisioned: 'good',
  deprovisioned: 'plain',
  failed: 'bad',
  'action-started': 'busy',
  'action-ended': 'busy',
};

/** What happens now: the events of the last minutes, the newest first. */
export function LiveView() {
  const { activity } = useOps();
  const most = isNarrow() ? 25 : 100;
  const [isPaused, setPaused] = useState(false);
  const load = useCallback((signal: AbortSignal) => activity(signal), [activity]);
  const polled = usePolled(load, () => (isPaused ? null : everyMs));
  return (
    <View
      title="Live"
      polled={polled}
      actions={
        <button
          type="button"
          class="outline"
          aria-pressed={isPaused}
          onClick={() => {
            setPaused(!isPaused);
            if (isPaused) polled.refresh();
          }}
        >
          {isPaused ? 'Continue' : 'Pause'}
        </button>
      }
    >
      {({ events, minutes, more }) =>
        events.length === 0 ? (
          <Empty>Nothing has happened in the last {plural(minutes, 'minute')}.</Empty>
        ) : (
          <>
            <ol class="live" aria-label={`Events of the last ${minutes} minutes, the newest first`}>
              {events.slice(0, most).map((event) => (
                <li key={`${event.at} ${event.type} ${event.uuid ?? event.action}`}>
                  <Line event={event} />
                </li>
              ))}
            </ol>
            {(more || events.length > most) && <p class="more">Older events are not shown.</p>}
          </>
        )
      }
    </View>
  );
}

function Line({ event }: { event: ActivityEvent }) {
  const { at, type, uuid, action, fleet, service, code, text } = event;
  return (
    <>
      <span class="when">
        <Time at={at} />
      </span>
      <span class={`badge ${tones[type]}`}>{type.replace('-', ' ')}</span>
      <span class="what">
        {uuid && (
          <a class="mono" href={linkTo(`devices/${uuid}`)} title={uuid}>
            {shortUuid(uuid)}
          </a>
        )}{' '}
        {action ? <a href={linkTo(`actions/${action}`)}>{text}</a> : (code ?? text)}
        <small>
          {fleet && ` ${fleet}`}
          {service !== null && ` · ${serviceName(service)}`}
          {code && ` · ${text}`}
        </small>
      </span>
    </>
  );
}
