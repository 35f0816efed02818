import type { Overview } from '../../src/ops/overview/schema.js';
import { Empty } from '../parts/Empty.js';
import { Shares } from '../parts/Shares.js';

/** Certificates by the days that they have left. */
export function Certificates({ certificates }: Pick<Overview, 'certificates'>) {
  const { expired, within7Days, within30Days, later } = certificates;
  return (
    <section class="card">
      <h2>Certificates</h2>
      {expired + within7Days + within30Days + later === 0 ? (
        <Empty>No device holds a certificate yet.</Empty>
      ) : (
        <Shares
          label="Certificates by days left"
          counts={{
            expired,
            'within 7 days': within7Days,
            'within 30 days': within30Days,
            'more than 30 days': later,
          }}
        />
      )}
    </section>
  );
}
