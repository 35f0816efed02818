import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';

/**
 * One worker at a time: a process holds the device's lease when a change outside begins.
 *
 * @param hasPaused the process paused between the check of the time and the call: no rule closes this gap (docs/protocol.md,
 * "What is left open")
 */
export function watchCall(
  { world, recordOf }: System,
  process: Process,
  { uuid, recordLost, lateCallers }: CloudDevice,
  hasPaused: boolean,
): void {
  if (recordLost || recordOf(uuid)?.lease?.by.startsWith(`${process.name}/`)) return;
  if (hasPaused) {
    lateCallers.push(process);
    return;
  }
  world.violated(uuid, 'a worker without the lease changed something');
}
