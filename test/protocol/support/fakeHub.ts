import type { HubRegistry, ThumbprintPair } from '../../../src/iothub/types.js';
import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { fateOutside, timedOut } from './fateOutside.js';
import { request } from './request.js';
import { watchAvailability } from './watchAvailability.js';
import { watchCall } from './watchCall.js';

/** The hub's registry for one process. */
export function fakeHub(system: System, process: Process): HubRegistry {
  const { world, cloud } = system;
  const call = <R extends string>(
    uuid: string,
    name: string,
    ms: number,
    thumbprints: ThumbprintPair | null,
    effect: (device: CloudDevice) => R,
  ) => {
    watchCall(system, process, cloud.device(uuid), false);
    return request(world, process, {
      afterPause: () => watchCall(system, process, cloud.device(uuid), true),
      fate: fateOutside(system, 'hub', true, uuid),
      deadline: { ms, error: () => late(uuid, true) },
      effect: () => {
        const device = cloud.device(uuid);
        const answer = effect(device);
        world.note(
          uuid,
          process.name,
          'hub',
          name,
          (thumbprints ?? []).map((one) => one.slice(0, 6)),
          '→',
          answer,
        );
        watchAvailability(system, device);
        return answer;
      },
    });
  };

  function late(uuid: string, write: boolean) {
    cloud.device(uuid).trouble += 1;
    return timedOut('hub', write);
  }

  return {
    get: (uuid, ms) =>
      request(world, process, {
        fate: fateOutside(system, 'hub', false, uuid),
        deadline: { ms, error: () => late(uuid, false) },
        effect: () => {
          const { identity } = cloud.device(uuid);
          if (identity === 'other') return 'exists';
          return identity ?? 'none';
        },
      }),
    create: (uuid, thumbprints, ms) =>
      call<'created' | 'exists'>(uuid, 'create', ms, thumbprints, (device) => {
        if (device.identity) return 'exists';
        device.identity = [...thumbprints];
        return 'created';
      }),
    update: (uuid, thumbprints, ms) =>
      call<'updated' | 'none'>(uuid, 'update', ms, thumbprints, (device) => {
        if (!device.identity) return 'none';
        device.identity = [...thumbprints];
        return 'updated';
      }),
    remove: (uuid, ms) =>
      call<'removed' | 'none'>(uuid, 'remove', ms, null, (device) => {
        if (!device.identity) return 'none';
        device.identity = null;
        return 'removed';
      }),
    close() {},
  };
}
