import { fleet, fleetDependencies, uuidOf } from '../../../support/fleetTools.js';
import { runWith } from '../../../support/runWith.js';

const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

describe('identities of devices that this key does not see', () => {
  function system() {
    const made = fleetDependencies();
    for (const generation of [1, 2]) made.identities.set(uuidOf(generation), ['E'.repeat(64)]);
    return { ...made, app: { ...made.deps, config } };
  }

  test('are left as they are, and what to check is said', async () => {
    const { app, sent } = system();
    const { code, text, json } = await runWith(app, ['audit', '--repair', '--yes']);
    expect(code).toBe(1);
    expect(json).toMatchObject({ repaired: null, findings: [{ fix: { how: 'remove-unknown' } }, {}] });
    expect(text).toContain('2 identities are of devices that this key does not see');
    expect(text).toContain('sees all fleets that use the hub, then use --repair --remove-unknown');
    expect(sent).toEqual([]);
  });

  test('are removed with --remove-unknown', async () => {
    const { app, requested } = system();
    const { code, text, json } = await runWith(app, ['audit', '--repair', '--remove-unknown', '--yes']);
    expect(code).toBe(0);
    expect(json).toMatchObject({ repaired: { requested: 2, settled: 0, byHand: 0 } });
    expect(text).not.toContain('--remove-unknown');
    expect(await requested()).toEqual([1, 2].map((generation) => `${uuidOf(generation)} remove`));
  });
});
