import { rotate } from '../../../../src/fleet/rotate.js';
import { waitFor } from '../../../support/waitFor.js';
import type { Fault } from '../simulatorControl.js';
import type { Drill, DrillTools } from './Drill.js';

/** The device of each drill, or its devices with spaces between them, from the cause to the advice. */
const devices = new Map<string, string>();
export const keep = ({ code }: DrillTools, uuid: string) => devices.set(code, uuid);
export const kept = ({ code }: DrillTools) => devices.get(code) ?? '';

/** A request that fails for good while balena answers with a fault, and is replayed afterwards. */
function failing(faultOf: (uuid: string) => Fault): Drill {
  return {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.balena.fault({ subject: uuid, ...faultOf(uuid) });
      await tools.system.post(uuid, 'main');
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  };
}

const text = { 'content-type': 'text/plain' };

export const balenaDrills = {
  'device-not-found': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.provisioned();
      keep(tools, uuid);
      await tools.system.balena.removeDevice(uuid);
      await rotate(tools.app, uuid);
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('discard')).code).toBe(0);
      await tools.hasNoDeadLetters();
      expect(await tools.system.hub.thumbprints(kept(tools))).toBeNull();
    },
  },
  'device-not-visible': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.provisioned();
      keep(tools, uuid);
      await tools.system.balena.tell('DELETE /fleets', { slug: tools.fleet });
      await rotate(tools.app, uuid);
      await tools.fails(uuid);
    },
    async follow(tools) {
      expect((await tools.follow('discard')).code).toBe(0);
      await tools.hasNoDeadLetters();
      await tools.follow('sweep');
      await waitFor(
        'the identity is removed',
        async () => (await tools.system.hub.thumbprints(kept(tools))) === null,
      );
    },
  },
  'service-not-found': {
    disturbs: 'own',
    async cause(tools) {
      const { system, fleet } = tools;
      const uuids = await tools.newDevices(12);
      keep(tools, uuids.join(' '));
      await Promise.all(uuids.map((uuid) => system.post(uuid, 'mian')));
      await waitFor(
        'all requests have failed',
        async () => (await system.ops.records({ fleet, state: 'failed' })).total === uuids.length,
      );
      for (const uuid of uuids.slice(0, 1)) await tools.fails(uuid);
    },
    async follow(tools) {
      const { ops } = tools.system;
      // A replay with the wrong name halts, and lists its failures.
      const plan = await ops.plan({ kind: 'replay', filter: { fleet: tools.fleet } });
      await ops.start(plan.id, { ramp: true });
      const halted = await ops.ends(plan.id, 'halted');
      expect(halted.failures).toHaveLength(10);
      expect(halted.failures[0]).toMatchObject({
        code: 'service-not-found',
        step: 'validate',
        message: expect.stringContaining('its services are main, cloud-relay'),
      });
      // The message of each failure names the services.
      const replayed = await tools.follow('--service', { name: 'main' });
      expect(replayed).toMatchObject({
        code: 0,
        json: { state: 'done', service: 'main', lacking: 0, counts: { succeeded: 12 } },
      });
      await Promise.all(kept(tools).split(' ').map(tools.isHealthy));
    },
  },
  'balena-rejected': failing(() => ({ method: 'POST', status: 400, headers: text, body: 'not so' })),
  'balena-conflict': failing(() => ({ method: 'POST', status: 409, headers: text, body: 'not now' })),
  'balena-unavailable': failing(() => ({ method: 'GET', status: 500, headers: text, body: 'broken' })),
  'timed-out': failing(() => ({ method: 'GET', hang: true })),
  'balena-write-refused': {
    disturbs: 'own',
    async cause(tools) {
      const { balena, stack } = tools.system;
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      const fleets = await balena.tell<{ slug: string }[]>('GET /fleets');
      const others = fleets.map(({ slug }) => slug).filter((slug) => slug !== tools.fleet);
      const rights = { reads: [tools.fleet], writes: others };
      await balena.tell(`PUT /keys/${stack.endpoints.balena!.apiKey}`, rights);
      await tools.system.post(uuid, 'main');
      await tools.fails(uuid);
    },
    // The role Operator.
    repair: ({ system: { balena, stack } }) =>
      balena.tell(`PUT /keys/${stack.endpoints.balena!.apiKey}`, null),
    async follow(tools) {
      expect((await tools.follow('replay')).code).toBe(0);
      await tools.isHealthy(kept(tools));
    },
  },
  'balena-throttled': {
    disturbs: 'own',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      // A run waits for up to five seconds itself.
      await tools.system.balena.fault({
        subject: uuid,
        status: 429,
        headers: { ...text, 'Retry-After': '6' },
        times: 1,
      });
      await tools.system.post(uuid, 'main');
      await tools.isTriedAgain(uuid);
    },
    follow: (tools) => tools.isHealthy(kept(tools)),
  },
  'balena-unauthorized': {
    disturbs: 'all',
    async cause(tools) {
      const uuid = await tools.newDevice();
      keep(tools, uuid);
      await tools.system.balena.fault({ status: 401 });
      await tools.system.post(uuid, 'main');
      await tools.isTriedAgain(uuid);
      await tools.isInHealth();
      await tools.doctorNames('BALENA_API_KEY');
    },
    follow: (tools) => tools.isHealthy(kept(tools)),
  },
} satisfies Record<string, Drill>;
