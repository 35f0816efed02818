import type { Dependency } from '../../../src/shared/errors.js';
import type { CircuitRow } from '../../../src/throttling/circuitBreaker.js';
import type { System } from './createSystem.js';

/** A circuit holds up all devices. One device with failing calls must never open a circuit. */
export function watchCircuit(
  { world, scenario, failures }: System,
  dependency: Dependency,
  before: CircuitRow | null,
  after: CircuitRow,
): void {
  if (after.state !== 'open' || before?.state === 'open') return;
  const { devices, pings } = failures[dependency];
  // Rejected credentials concern all devices.
  if (after.code === `${dependency}-unauthorized`) return;
  const isAlone = after.despitePings ? devices.size < scenario.circuitThreshold : pings === 0;
  if (isAlone) world.violated('', `the circuit of ${dependency} opened for one device`);
}
