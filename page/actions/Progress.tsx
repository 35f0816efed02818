import type { Action } from '../../src/ops/bulk/schema.js';
import { number } from '../format.js';

/** How far an action is: as a bar, in figures, and, every tenth of the way, for those who listen. */
export function Progress({ action }: { action: Action }) {
  const { planned, requested, succeeded, failed, cancelled, superseded, underWay } = action.counts;
  const size = Math.min(planned, action.limit ?? planned);
  const ended = succeeded + failed + cancelled + superseded;
  const isDiscard = action.kind === 'discard';
  const parts = [
    { name: isDiscard ? 'discarded' : 'well', count: succeeded, tone: 'good' },
    { name: 'failed again', count: failed, tone: 'bad' },
    { name: 'cancelled', count: cancelled, tone: 'plain' },
    { name: 'superseded', count: superseded, tone: 'muted' },
    { name: 'under way', count: underWay, tone: 'busy' },
    { name: 'not asked for', count: Math.max(0, size - ended - underWay), tone: 'rest' },
  ].filter(({ name, count }) => count > 0 || name === 'well');
  const tenths = size === 0 ? 10 : Math.floor((10 * ended) / size);
  return (
    <section class="card progress" aria-label="Progress">
      <p class="value">
        {number(ended)}{' '}
        <small>
          of {number(size)} have come to an end; {number(requested)} were asked for
        </small>
      </p>
      <div
        class="stack"
        role="progressbar"
        aria-label="Come to an end"
        aria-valuemin={0}
        aria-valuemax={size}
        aria-valuenow={ended}
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
        {action.state}, {tenths * 10} percent have come to an end
        {tenths === 10 && `: ${succeeded} well, ${failed} failed again, ${cancelled} cancelled`}
      </p>
    </section>
  );
}
