import type { HubIdentity, HubRegistry, IdentityVersion, ThumbprintPair } from '../../../src/iothub/types.js';
import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { fateOfPing, fateOutside, pingTimedOut, timedOut } from './fateOutside.js';
import { request } from './request.js';
import { watchAvailability } from './watchAvailability.js';
import { watchCall } from './watchCall.js';
import { noteAcceptance, watchRevokedKey, watchSigned } from './watchOwnKey.js';

/** The hub's registry for the run of a device in a process. */
export function fakeHub(system: System, process: Process, runFor: string): HubRegistry {
  const { world, cloud } = system;
  const call = <R>(
    uuid: string,
    name: string,
    ms: number,
    thumbprints: ThumbprintPair | null,
    effect: (device: CloudDevice) => R,
  ) => {
    watchCall(system, process, cloud.device(uuid), false);
    cloud.device(uuid).hubChanging = true;
    watchSigned(system, cloud.device(uuid), thumbprints ?? []);
    watchRevokedKey(system, process, cloud.device(uuid), thumbprints ?? []);
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
        noteAcceptance(system, device);
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
    ping: (ms) =>
      request(world, process, {
        fate: fateOfPing(system, 'hub', runFor),
        deadline: { ms, error: () => pingTimedOut(system, 'hub') },
        effect: () => {},
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
