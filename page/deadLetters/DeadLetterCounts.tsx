import type { DeadLetterPage } from '../../src/ops/deadLetters/schema.js';
import { Shares } from '../parts/Shares.js';
import { StateBadge } from '../parts/StateBadge.js';
import { linkTo } from '../route.js';

type Props = Pick<DeadLetterPage, 'byCode' | 'byFleet' | 'byStatus'> & { query: Record<string, string> };

/** The number of matching dead letters by cause, fleet and status. A click narrows the filter. */
export function DeadLetterCounts({ byCode, byFleet, byStatus, query }: Props) {
  const narrow = (name: string) => (value: string) =>
    // The API has no filter for dead letters whose fleet is not known.
    value === 'unknown' ? undefined : linkTo('dead-letters', { ...query, [name]: value });
  return (
    <div class="cards three">
      <section class="card">
        <h2>By cause</h2>
        <Shares label="By cause" counts={byCode} href={narrow('errorCode')} />
      </section>
      <section class="card">
        <h2>By fleet</h2>
        <Shares label="By fleet" counts={byFleet} href={narrow('fleet')} />
      </section>
      <section class="card">
        <h2>By status</h2>
        <Shares
          label="By status"
          counts={byStatus as Record<string, number>}
          show={(status) => <StateBadge state={status} />}
          href={narrow('status')}
        />
      </section>
    </div>
  );
}
