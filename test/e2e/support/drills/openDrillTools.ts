import { findSystem } from '../../../../cli/session/findSystem.js';
import type { App } from '../../../../src/openApp.js';
import { adviceFor, type ErrorCode } from '../../../../src/shared/errorPolicy.js';
import { runWith } from '../../../support/runWith.js';
import { waitFor } from '../../../support/waitFor.js';
import type { System } from '../useSystem.js';
import { argumentsOf, commandsIn } from './commands.js';
import type { DrillTools } from './Drill.js';

/** The fleet of a drill. */
export const drillFleet = (code: ErrorCode) => `drills/${code}`;

/** Commands that ask for a confirmation, and get one in a drill. */
const confirmed = /^(dead-letters (replay|discard)|deprovision)\b/;

/** Opens the tools of a drill. */
export function openDrillTools(code: ErrorCode, system: System, app: App): DrillTools {
  const { balena, ops } = system;
  const fleet = drillFleet(code);

  async function newDevices(count: number) {
    const added = await balena.tell<{ uuid: string }[]>('POST /devices', { fleet, count });
    return added.map(({ uuid }) => uuid);
  }
  async function newDevice() {
    const [uuid = ''] = await newDevices(1);
    return uuid;
  }
  const isHealthy = async (uuid: string) => {
    await system.state(uuid, 'provisioned');
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  };

  return {
    code,
    system,
    app,
    fleet,
    newDevices,
    newDevice,
    async provisioned() {
      const uuid = await newDevice();
      await system.post(uuid, 'main');
      await isHealthy(uuid);
      return uuid;
    },
    async fails(uuid) {
      const { error } = await system.state(uuid, 'failed');
      expect(error?.code).toBe(code);
      await waitFor('the dead letter is listed', async () =>
        (await ops.freshDeadLetters({ uuid })).deadLetters.some((each) => each.code === code),
      );
      const [first = ''] = adviceFor(code, { uuid, fleet }).split('\n');
      expect((await runWith(app, ['status', uuid])).text).toContain(first);
    },
    async isTriedAgain(uuid) {
      await waitFor(`a run of ${uuid} has ended with ${code}`, async () =>
        (await ops.history(uuid)).history.some(({ note }) => note.startsWith(code)),
      );
    },
    isHealthy,
    async isInHealth() {
      await waitFor(`health names ${code}`, async () => (await system.health()).text.includes(code));
    },
    async hasNoDeadLetters() {
      await waitFor(`no dead letter of ${fleet} is left`, async () => {
        const { byStatus } = await ops.freshDeadLetters({ fleet });
        return Object.keys(byStatus).every((status) => status === 'superseded');
      });
    },
    async follow(part, values) {
      const command = commandsIn(adviceFor(code)).find((each) => each.includes(part));
      if (command === undefined) throw new Error(`the advice for ${code} has no command with "${part}"`);
      const args = argumentsOf(command, { slug: fleet, ...values });
      return runWith(app, confirmed.test(args.join(' ')) ? [...args, '--yes'] : args);
    },
    async doctorNames(text) {
      const session = { system: () => findSystem({}, system.folder) };
      const { code: exitCode, json } = await runWith(app, ['doctor'], session);
      expect(exitCode).toBe(1);
      expect(JSON.stringify(json)).toContain(text);
    },
  };
}
