import { fleet, fleetDependencies, uuidOf } from '../../../support/fleetTools.js';
import { runWith } from '../../../support/runWith.js';

const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

describe('identities of devices that this key does not see', () => {
  function system() {
    const made = fleetDependencies();
    for (const index of [1, 2]) made.identities.set(uuidOf(index), ['E'.repeat(64)]);
    return { ...made, app: { ...made.deps, config } };
  }

  test('are kept, and the output names the next step', async () => {
    const { app, sent } = system();
    const { code, text, json } = await runWith(app, ['audit', '--repair', '--yes']);
    expect(code).toBe(1);
    expect(json).toMatchObject({ repaired: null, findings: [{ fix: { how: 'remove-unknown' } }, {}] });
    expect(text).toContain('2 identities belong to devices that this key does not see');
    expect(text).toContain('sees all fleets on the hub, then use --repair --remove-unknown');
    expect(sent).toEqual([]);
  });

  test('are removed with --remove-unknown', async () => {
    const { app, requested } = system();
    const { code, text, json } = await runWith(app, ['audit', '--repair', '--remove-unknown', '--yes']);
    expect(code).toBe(0);
    expect(json).toMatchObject({ repaired: { requested: 2, outdated: 0, byHand: 0 } });
    expect(text).not.toContain('--remove-unknown');
    expect(await requested()).toEqual([1, 2].map((index) => `${uuidOf(index)} remove`));
  });
});
