import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { plural } from '../format.js';
import { Empty } from '../parts/Empty.js';
import { Facts } from '../parts/Facts.js';
import { Time } from '../parts/Time.js';

const dayMs = 86_400_000;

const hubWords: Record<DeviceHistory['device']['hub'], string> = {
  unknown: 'not known until a worker has looked',
  none: 'no identity',
  exists: 'an identity, with what is not known',
  'accepts-certificate': 'accepts this certificate',
  'accepts-other': 'accepts another certificate',
};

/** What it can connect with. */
export function CertificateCard({ device: { certificate, hub } }: { device: DeviceHistory['device'] }) {
  if (!certificate)
    return (
      <section class="card">
        <h2>Certificate</h2>
        <Empty>It holds none that we know of.</Empty>
        <Facts facts={{ 'IoT Hub': hubWords[hub] }} />
      </section>
    );
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = certificate;
  return (
    <section class="card">
      <h2>Certificate</h2>
      <Facts
        facts={{
          'Valid from': <Time at={notBefore} />,
          'Valid until': (
            <>
              <Time at={notAfter} /> {notAfter && <small>({left(Date.parse(notAfter))})</small>}
            </>
          ),
          Key: keyAlgorithm ?? 'not known',
          'IoT Hub': hubWords[hub],
          Thumbprint: <span class="mono">{thumbprint}</span>,
        }}
      />
    </section>
  );
}

function left(until: number): string {
  const days = Math.floor((until - Date.now()) / dayMs);
  return days < 0 ? 'expired' : `${plural(days, 'day')} left`;
}
