import { openAppOf } from '../../bench/harness.js';
import type { ErrorCode } from '../../src/shared/errorPolicy.js';
import { waitFor } from '../support/waitFor.js';
import type { Drill } from './support/drills/Drill.js';
import { drills } from './support/drills/drills.js';
import { drillFleet, openDrillTools } from './support/drills/openDrillTools.js';
import { useSystem } from './support/useSystem.js';

/*
 * For each error code: a drill causes the failure on a running system, and follows the advice of the policy to the letter. The commands are
 * read from the advice.
 */

const all = Object.entries(drills).filter((entry): entry is [ErrorCode, Drill] => 'cause' in entry[1]);
const disturbing = all.filter(([, { disturbs }]) => disturbs === 'all');
const others = all.filter(([, { disturbs }]) => disturbs === 'own');
const fleets = all.map(([code]) => drillFleet(code));
const served = fleets.filter((fleet) => fleet !== drillFleet('fleet-not-allowed'));

// Two failed runs are final. A worker that dies is noticed within seconds.
const [workLimit, grace] = [6, 10];
const settings = {
  FLEETS: served.join(','),
  MAX_ATTEMPTS: '2',
  LONGEST_BACK_OFF_SECONDS: '2',
  WORK_LIMIT_SECONDS: String(workLimit),
  LEASE_GRACE_SECONDS: String(grace),
};
const system = await useSystem({ lockSeconds: workLimit + grace, settings });
const { balena, hub } = system;
const app = openAppOf(system.stack.endpoints, { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10', ...settings });
const tools = (code: ErrorCode) => openDrillTools(code, system, app);

beforeAll(async () => {
  for (const slug of fleets) await balena.tell('POST /fleets', { slug, services: ['main', 'cloud-relay'] });
});
afterAll(() => app.close());

const noFaults = () => Promise.all([balena.noFaults(), hub.noFaults()]);

/** The drills that run at the same time, from the cause to the end. */
const running = new Map<ErrorCode, Promise<void>>();

test('the failures of single devices and fleets are caused at the same time, and repaired', async () => {
  await Promise.all(others.map(([code, drill]) => drill.cause(tools(code))));
  await noFaults();
  await Promise.all(others.map(([code, drill]) => drill.repair?.(tools(code))));
  for (const [code, drill] of others) {
    const follow = drill.follow(tools(code));
    follow.catch(() => {});
    running.set(code, follow);
  }
});

test.each(others.map(([code]) => code))('the advice for %s ends healthy', (code) => running.get(code));

test.each(disturbing)('the advice for %s ends healthy, although all devices wait', async (code, drill) => {
  await drill.cause(tools(code));
  await noFaults();
  await drill.repair?.(tools(code));
  await drill.follow(tools(code));
  await waitFor('the system is healthy', async () => (await system.health()).status === 200);
});
