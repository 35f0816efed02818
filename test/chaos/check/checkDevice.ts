import { checkEnd } from './checkEnd.js';
import { checkOrder } from './checkOrder.js';
import { checkRefusals } from './checkRefusals.js';
import type { DeviceEvidence, Violation } from './Evidence.js';

/** Holds what became of a device against what its callers were told. */
export function checkDevice(evidence: DeviceEvidence): Violation[] {
  return [...checkOrder(evidence), ...checkRefusals(evidence), ...checkEnd(evidence)];
}
