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

describe('a fleet of which a device is wanted at another service', () => {
  const ask = ['fleet', fleet, '--service', 'other', '--no-follow'];

  test('is planned: that one stays, and how to move it is said', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, [...ask, '--dry-run']);
    expect(code).toBe(1);
    expect(json).toMatchObject({ uuids: [two], elsewhere: [{ uuid: one, service: 'main' }] });
    expect(text).toContain(`${one}  stays at main`);
    expect(text).toContain('1 device. --move moves');
    expect(sent).toEqual([]);
  });

  test('is asked for: that one stays, and how to move it is said', async () => {
    const { app, sent } = await system();
    const { code, text, json } = await runWith(app, ask);
    expect(code).toBe(1);
    expect(json).toMatchObject({ devices: 2, requested: 1, elsewhere: 1 });
    expect(text).toContain('1 asked for, 1 wanted at another service');
    expect(text).toContain('1 device. --move moves');
    expect(sent.map(({ uuid }) => uuid)).toEqual([two]);
  });

  test('is planned without taking Ctrl-C upon itself: it ends at once, and says so', async () => {
    const { app } = await system();
    const dryRun = async (...args: string[]) => (await runWith(app, [...args, '--dry-run'])).handlesInterrupt;
    expect(await dryRun('fleet', fleet)).toBe(false);
    expect(await dryRun('sweep', '--fleet', fleet)).toBe(false);
  });

  test('is moved with --move', async () => {
    const { app, record } = await system();
    expect(await runWith(app, [...ask, '--move', '--dry-run'])).toMatchObject({
      code: 0,
      json: { uuids: [one, two], elsewhere: [] },
    });
    expect(await runWith(app, [...ask, '--move'])).toMatchObject({ code: 0, json: { requested: 2 } });
    expect((await record(one)).desired.service).toBe('other');
  });
});
