import type { HubIdentity, HubRegistry, IdentityVersion, ThumbprintPair } from '../../../src/iothub/types.js';
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
  const call = <R>(
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
          const { identity, disabled } = cloud.device(uuid);
          if (identity === null) return 'none';
          const thumbprints = identity === 'other' ? null : identity;
          return { thumbprints, isDisabled: disabled, version: versionOf(cloud.device(uuid)) } as HubIdentity;
        },
      }),
    create: (uuid, thumbprints, ms) =>
      call<IdentityVersion | 'exists'>(uuid, 'create', ms, thumbprints, (device) => {
        if (device.identity) return 'exists';
        return write(device, thumbprints);
      }),
    update: (uuid, thumbprints, { etag }, ms) =>
      call<IdentityVersion | 'changed' | 'none'>(uuid, 'update', ms, thumbprints, (device) => {
        if (!device.identity) return 'none';
        if (etag !== '*' && etag !== String(device.etag)) return 'changed';
        if (device.disabled) world.violated(uuid, 'a disabled identity was replaced');
        return write(device, thumbprints);
      }),
    remove: (uuid, ms) =>
      call<'removed' | 'none'>(uuid, 'remove', ms, null, (device) => {
        if (!device.identity) return 'none';
        device.identity = null;
        device.disabled = false;
        device.etag += 1;
        return 'removed';
      }),
    close() {},
  };
}

function write(device: CloudDevice, thumbprints: ThumbprintPair): IdentityVersion {
  device.identity = [...thumbprints];
  device.disabled = false;
  device.etag += 1;
  return versionOf(device);
}

function versionOf({ etag, disabled }: CloudDevice): IdentityVersion {
  return { etag: String(etag), properties: disabled ? { status: 'disabled' } : null };
}
