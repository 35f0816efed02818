import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { number, serviceName } from '../format.js';
import { Facts } from '../parts/Facts.js';
import { Time } from '../parts/Time.js';

/** What was asked for it, and how far that is. */
export function RequestCard({ device }: { device: DeviceHistory['device'] }) {
  const { discarded } = device;
  return (
    <section class="card">
      <h2>Request</h2>
      <Facts
        facts={{
          Operation: device.operation,
          Fleet: device.fleet ?? 'not seen yet',
          Service: serviceName(device.service),
          Asked: <Time at={device.requestedAt} />,
          'First seen': <Time at={device.firstSeenAt} />,
          Expected: device.expectedAt ? <Time at={device.expectedAt} isRelative /> : undefined,
          Due: device.dueAt ? <Time at={device.dueAt} isRelative /> : undefined,
          Done: device.completedAt ? <Time at={device.completedAt} /> : undefined,
          Attempts: number(device.attempts),
          Replays: number(device.replays),
          Discarded: discarded ? (
            <>
              <Time at={discarded.at} /> by {discarded.by}: {discarded.reason}
            </>
          ) : undefined,
          'Request id': <span class="mono">{device.requestId}</span>,
        }}
      />
    </section>
  );
}
