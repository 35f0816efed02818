import { checkEnd } from './checkEnd.js';
import { checkOrder } from './checkOrder.js';
import { checkRefusals } from './checkRefusals.js';
import type { DeviceEvidence, Violation } from './Evidence.js';

/** Compares the final state of a device with the answers to the callers. */
export function checkDevice(evidence: DeviceEvidence): Violation[] {
  return [...checkOrder(evidence), ...checkRefusals(evidence), ...checkEnd(evidence)];
}
