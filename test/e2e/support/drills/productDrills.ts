import { control } from '../../../chaos/system/control.js';
import { waitFor } from '../../../support/waitFor.js';
import { keep, kept } from './balenaDrills.js';
import type { Drill } from './Drill.js';

export const productDrills = {
  'fleet-not-allowed': {
    disturbs: 'all',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.post(uuid, 'main');
      await tools.fails(uuid);
    },
    async repair({ system: { stack }, fleet, app }) {
      await stack.hosts.at(-1)?.stop();
      await stack.startHost('all', { FLEETS: [...(app.config.fleets ?? []), fleet].join(',') });
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
  unexpected: {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      // A row that no version of balena's API has.
      const body = { d: [{ id: 1 }] };
      await tools.system.balena.fault({ subject: uuid, method: 'GET', status: 200, body });
      await tools.system.post(uuid, 'main');
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay', { uuid: kept(tools) })).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
  'worker-died': {
    disturbs: 'all',
    async cause(tools) {
      const { hub, stack } = tools.system;
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      const held = await hub.fault({ method: 'PUT', path: `^/devices/${uuid}`, hang: true });
      await tools.system.post(uuid, 'main');
      for (let deaths = 1; deaths <= tools.app.config.maxAttempts; deaths += 1) {
        await held(deaths);
        await control(stack.hosts.at(-1)!.endpoints.controlUrl, 'POST /worker/kill');
      }
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
  cancelled: {
    disturbs: 'own',
    async cause(tools) {
      const { system, fleet } = tools;
      const uuids = await tools.newDevices(2);
      await Promise.all(uuids.map((uuid) => system.post(uuid, 'mian')));
      await Promise.all(uuids.map((uuid) => system.state(uuid, 'failed')));
      // The second request is due in ten minutes.
      const filter = { fleet, code: 'service-not-found' };
      const { id } = await system.ops.plan({ kind: 'replay', filter, service: 'main', rate: 0.1 });
      await system.ops.start(id);
      await waitFor('one device is provisioned, and the other waits', async () => {
        const { counts } = await system.ops.action(id);
        return counts.succeeded === 1 && counts.underWay === 1;
      });
      const states = await Promise.all(uuids.map((each) => system.get(each)));
      const uuid = states.find(({ json }) => json.state === 'queued')?.json.uuid ?? '';
      keep(tools, uuid);
      await system.ops.cancel(id);
      await system.ops.ends(id, 'cancelled');
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
} satisfies Record<string, Drill>;
