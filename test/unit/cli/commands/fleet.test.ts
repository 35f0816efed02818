import { openActions } from '../../../../src/ops/bulk/repository.js';
import {
  credentialsOf,
  fleet,
  fleetDependencies,
  provisionedRecord,
  uuidOf,
} from '../../../support/fleetTools.js';
import { memoryTable } from '../../../support/memoryTable.js';
import { runWith } from '../../../support/runWith.js';

const [one, two] = [1, 2].map(uuidOf) as [string, string];
const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

async function system() {
  const made = fleetDependencies();
  made.add(one);
  made.add(two);
  await made.put(provisionedRecord(one, await credentialsOf(one)));
  return { ...made, app: { ...made.deps, config, actions: openActions(memoryTable<unknown>()) } };
}

describe('a fleet with a device at another service', () => {
  const command = ['fleet', fleet, '--service', 'other', '--no-follow'];

  test('is planned without the device, and the output names --move', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, [...command, '--dry-run']);
    expect(code).toBe(1);
    expect(json).toMatchObject({ uuids: [two], atOtherService: [{ uuid: one, service: 'main' }] });
    expect(text).toContain(`${one}  keeps main`);
    expect(text).toContain('1 device at another service: not requested. --move moves');
    expect(sent).toEqual([]);
  });

  test('is requested without the device, and the output names --move', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, command);
    expect(code).toBe(1);
    expect(json).toMatchObject({ devices: 2, requested: 1, atOtherService: 1 });
    expect(text).toContain('1 requested, 1 at another service');
    expect(text).toContain('1 device at another service: not requested. --move moves');
    expect(sent.map(({ uuid }) => uuid)).toEqual([two]);
  });

  test('is planned without an interrupt signal, so Ctrl-C ends a dry run at once', async () => {
    const { app } = await system();
    const dryRun = async (...args: string[]) => (await runWith(app, [...args, '--dry-run'])).handlesInterrupt;
    expect(await dryRun('fleet', fleet)).toBe(false);
    expect(await dryRun('sweep', '--fleet', fleet)).toBe(false);
  });

  test('is refused if the fleet has no such service, in a dry run too', async () => {
    const { app, sent } = await system();
    for (const more of [[], ['--dry-run']])
      await expect(runWith(app, ['fleet', fleet, '--service', 'mian', ...more])).rejects.toMatchObject({
        code: 'no-such-service',
        exitCode: 2,
        message: `The fleet ${fleet} has no service "mian": it has main, sensor, old, other.`,
      });
    expect(sent).toEqual([]);
    expect(await runWith(app, ['fleet', fleet, '--service', '', '--dry-run'])).toMatchObject({ code: 1 });
  });

  test('is planned and requested with the number of devices that lack the service', async () => {
    const { app, without } = await system();
    without.add(two);
    for (const more of [[], ['--dry-run']]) {
      const { json, text } = await runWith(app, [...command, ...more]);
      expect(json).toMatchObject({ lacking: 1 });
      expect(text).toContain('1 device of the fleet without the service "other" in balena');
    }
  });

  test('is moved with --move', async () => {
    const { app, record } = await system();
    expect(await runWith(app, [...command, '--move', '--dry-run'])).toMatchObject({
      code: 0,
      json: { uuids: [one, two], atOtherService: [] },
    });
    expect(await runWith(app, [...command, '--move'])).toMatchObject({ code: 0, json: { requested: 2 } });
    expect((await record(one)).desired.service).toBe('other');
  });
});
