import type { HubRegistry, ThumbprintPair } from '../../../src/iothub/types.js';
import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { fateOutside, timedOut } from './fateOutside.js';
import { request } from './request.js';
import { watchAvailability } from './watchAvailability.js';
import { watchCall } from './watchCall.js';

/** The hub's registry, as one process reaches it. */
export function fakeHub(system: System, process: Process): HubRegistry {
  const { world, cloud } = system;
  const call = <R extends string>(
    uuid: string,
    name: string,
    ms: number,
    thumbprints: ThumbprintPair | null,
    effect: (device: CloudDevice) => R,
  ) => {
    watchCall(system, process, cloud.device(uuid));
    return request(world, process, {
      fate: fateOutside(world, 'hub', true),
      deadline: { ms, error: () => timedOut('hub', true) },
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

  return {
    get: (uuid, ms) =>
      request(world, process, {
        fate: fateOutside(world, 'hub', false),
        deadline: { ms, error: () => timedOut('hub', false) },
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
