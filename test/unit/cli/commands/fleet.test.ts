import {
  credentialsOf,
  fleet,
  fleetDependencies,
  provisionedRecord,
  uuidOf,
} from '../../../support/fleetTools.js';
import { runWith } from '../../../support/runWith.js';

const [one, two] = [1, 2].map(uuidOf) as [string, string];
const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

async function system() {
  const made = fleetDependencies();
  made.add(one);
  made.add(two);
  await made.put(provisionedRecord(one, await credentialsOf(one)));
  return { ...made, app: { ...made.deps, config } };
}

describe('a fleet with a device of another desired service', () => {
  const command = ['fleet', fleet, '--service', 'other', '--no-follow'];

  test('is planned without the device, and the output names --move', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, [...command, '--dry-run']);
    expect(code).toBe(1);
    expect(json).toMatchObject({ uuids: [two], atOtherService: [{ uuid: one, service: 'main' }] });
    expect(text).toContain(`${one}  keeps main`);
    expect(text).toContain('1 device with another desired service: not requested. --move moves');
    expect(sent).toEqual([]);
  });

  test('is requested without the device, and the output names --move', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, command);
    expect(code).toBe(1);
    expect(json).toMatchObject({ devices: 2, requested: 1, atOtherService: 1 });
    expect(text).toContain('1 requested, 1 with another desired service');
    expect(text).toContain('1 device with another desired service: not requested. --move moves');
    expect(sent.map(({ uuid }) => uuid)).toEqual([two]);
  });

  test('is planned without an interrupt signal, so Ctrl-C ends a dry run at once', async () => {
    const { app } = await system();
    const dryRun = async (...args: string[]) => (await runWith(app, [...args, '--dry-run'])).handlesInterrupt;
    expect(await dryRun('fleet', fleet)).toBe(false);
    expect(await dryRun('sweep', '--fleet', fleet)).toBe(false);
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
