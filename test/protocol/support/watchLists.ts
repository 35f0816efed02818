import type { ListedDevice, ListName } from '../../../src/device/lists.js';
import { type ListSettings, listTimesOf } from '../../../src/fleet/listTimes.js';
import type { System } from './createSystem.js';

/** No certificate of the search is due for renewal by its age. A record is removed ten minutes after a deprovisioning. */
export const listSettings: ListSettings = { renewAt: 0.99, keepDeprovisionedMs: 600_000 };

/** At every moment, each record has a row in each list that the record needs, and no row has a later time than the record needs. */
export function watchLists(system: System, uuid: string): void {
  const record = system.recordOf(uuid);
  if (!record || system.unlisted.has(uuid)) return;
  const times = listTimesOf(record, listSettings);
  const rows = [...system.rows.lists.values()].map(({ json }) => JSON.parse(json) as ListedDevice);
  for (const list of Object.keys(times) as ListName[]) {
    const needed = times[list]!;
    const isListed = rows.some(
      (row) => row.list === list && row.at <= needed && row.row === record.listed?.[list]?.row,
    );
    if (!isListed) system.world.violated(uuid, `a record is not in its list ${list}`);
  }
}
