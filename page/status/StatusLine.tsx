import type { SystemState } from '../../src/health/statusSchema.js';
import { type StatusParts, statusParts } from '../../src/health/statusText.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { localTime, timeZone } from '../format.js';
import { Advice } from '../parts/Advice.js';
import { RunbookLink } from '../parts/DeviceLinks.js';

const everyMs = 5_000;

const icons: Record<SystemState | 'unknown', string> = {
  stopped: '✕',
  throttled: '▼',
  attention: '!',
  'catching-up': '↻',
  healthy: '✓',
  unknown: '?',
};

const unknown: StatusParts = {
  word: 'Unknown',
  what: 'The page cannot read the state of the system. What the page shows below may be old.',
  backlog: '',
  todo: 'Check the connection, and that the functions run.',
  runbook: 'requests-failing',
  more: '',
};

/** A local time with its zone: "00:48:35 (UTC+1)". */
function zonedTime(at: string): string {
  const now = Date.now();
  return `${localTime(Date.parse(at), now)} (${timeZone(now).offset})`;
}

/** The state of the whole system, at the top of every view: an icon, a word, the cause, and the next step. */
export function StatusLine() {
  const { data, error } = usePolled(useOps().status, () => everyMs);
  if (!data && !error) return <section class="status" aria-label="State of the system" aria-busy="true" />;
  const state = data && !error ? data.state : 'unknown';
  const { word, what, backlog, todo, runbook, more } =
    data && !error ? statusParts(data, zonedTime) : unknown;
  return (
    <section class={`status ${state}`} aria-label="State of the system">
      <p role="status">
        <span class="icon" aria-hidden="true">
          {icons[state]}
        </span>{' '}
        <strong>{word}.</strong> {what}
      </p>
      {backlog && <p>{backlog}</p>}
      {todo && (
        <p>
          <strong>To do:</strong> <Advice advice={todo} /> <RunbookLink section={runbook} />
        </p>
      )}
      {more && <p class="further">{more}</p>}
    </section>
  );
}
