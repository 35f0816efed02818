import type { Action } from '../../src/ops/bulk/schema.js';
import { number } from '../format.js';

/** The progress of an action: a bar, figures, and a status that a screen reader announces at every tenth of the way. */
export function Progress({ action }: { action: Action }) {
  const { planned, requested, succeeded, failed, cancelled, superseded, underWay } = action.counts;
  const size = Math.min(planned, action.limit ?? planned);
  const finished = succeeded + failed + cancelled + superseded;
  const isDiscard = action.kind === 'discard';
  const goesOn = action.state === 'running' || action.state === 'planned';
  const parts = [
    { name: isDiscard ? 'discarded' : 'succeeded', count: succeeded, tone: 'good' },
    { name: action.kind === 'replay' ? 'failed again' : 'failed', count: failed, tone: 'bad' },
    { name: 'cancelled', count: cancelled, tone: 'plain' },
    { name: 'superseded', count: superseded, tone: 'muted' },
    { name: 'in progress', count: underWay, tone: 'busy' },
    {
      name: goesOn ? 'not requested yet' : 'not requested',
      count: Math.max(0, size - finished - underWay),
      tone: 'rest',
    },
  ].filter(({ tone, count }) => count > 0 || tone === 'good');
  const tenths = size === 0 ? 10 : Math.floor((10 * finished) / size);
  return (
    <section class="card progress" aria-label="Progress">
      <p class="value">
        {number(finished)}{' '}
        <small>
          of {number(size)} finished; {number(requested)} requested
        </small>
      </p>
      <div
        class="stack"
        role="progressbar"
        aria-label="Finished"
        aria-valuemin={0}
        aria-valuemax={size}
        aria-valuenow={finished}
      >
        {parts.map(({ name, count, tone }) => (
          <span key={name} class={tone} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul class="legend">
        {parts.map(({ name, count, tone }) => (
          <li key={name}>
            <span class={`swatch ${tone}`} aria-hidden="true" /> {number(count)} {name}
          </li>
        ))}
      </ul>
      <p class="hidden" role="status">
        {action.state}, {tenths * 10} percent finished
        {tenths === 10 && `: ${succeeded} succeeded, ${failed} failed again, ${cancelled} cancelled`}
      </p>
    </section>
  );
}
