import { rotate } from '../../../../src/fleet/rotate.js';
import type { Fault } from '../simulatorControl.js';
import { keep, kept } from './balenaDrills.js';
import type { Drill } from './Drill.js';

/** An error in the words of the hub. */
const saying = (code: string) => ({ body: { Message: `ErrorCode:${code};Sent by a drill` } });

/** A request that fails for good while the hub answers with a fault, and is replayed afterwards. */
function failing(fault: Fault): Drill {
  return {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.hub.fault({ method: 'PUT', path: `^/devices/${uuid}`, ...fault });
      await tools.system.post(uuid, 'main');
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  };
}

/** All work waits while the hub answers with a fault, and continues afterwards without an operator. */
function stopping(fault: Fault, isInDoctor: boolean): Drill {
  return {
    disturbs: 'all',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.hub.fault(fault);
      await tools.system.post(uuid, 'main');
      await tools.isTriedAgain(uuid);
      await tools.isInHealth();
      if (isInDoctor) await tools.doctorNames('The hub rejects our credentials');
    },
    follow: (tools) => tools.isHealthy(kept(tools)),
  };
}

export const hubDrills = {
  'hub-rejected': failing({ status: 400, ...saying('ArgumentInvalid') }),
  'hub-conflict': failing({ status: 409, ...saying('DeviceAlreadyExists') }),
  'hub-unavailable': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.provisioned();
      keep(tools, uuid);
      // The record does not know the new version of the identity, so the identity is read.
      await tools.system.hub.change(uuid, { statusReason: 'changed by a drill' });
      await tools.system.hub.fault({
        method: 'GET',
        path: `^/devices/${uuid}`,
        status: 500,
        ...saying('ServerError'),
      });
      await rotate(tools.app, uuid);
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
  'hub-unauthorized': stopping({ status: 401, ...saying('IotHubUnauthorizedAccess') }, true),
  'hub-quota-exceeded': stopping({ method: 'PUT', status: 403, ...saying('IotHubQuotaExceeded') }, false),
  'hub-throttled': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.hub.fault({
        path: `^/devices/${uuid}`,
        times: 1,
        status: 429,
        headers: { 'Retry-After': '1' },
        ...saying('ThrottlingException'),
      });
      await tools.system.post(uuid, 'main');
      await tools.isTriedAgain(uuid);
    },
    follow: (tools) => tools.isHealthy(kept(tools)),
  },
  'hub-device-disabled': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.provisioned();
      keep(tools, uuid);
      await tools.system.hub.change(uuid, { status: 'disabled' });
      await rotate(tools.app, uuid);
      await tools.fails(uuid);
    },
    repair: (tools) => tools.system.hub.change(kept(tools), { status: 'enabled' }),
    async follow(tools) {
      const uuid = kept(tools);
      expect((await tools.follow('replay', { uuid })).code).toBe(0);
      await tools.isHealthy(uuid);
    },
  },
} satisfies Record<string, Drill>;
