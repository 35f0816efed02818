import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';

/** One worker at a time: whoever begins to change something outside holds the device's lease. */
export function watchCall(
  { world, recordOf }: System,
  process: Process,
  { uuid, recordLost }: CloudDevice,
): void {
  if (recordLost || recordOf(uuid)?.lease?.by.startsWith(`${process.name}/`)) return;
  world.violated(uuid, 'a worker without the lease changed something');
}
