import {
  credentialsOf,
  fleet,
  fleetDependencies,
  provisionedRecord,
  uuidOf,
} from '../../../support/fleetTools.js';
import { runWith } from '../../../support/runWith.js';

const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

test('a sweep with an interruption in its last call exits with 130', async () => {
  const { deps, add, sent } = fleetDependencies();
  add(uuidOf(1));
  const controller = new AbortController();
  const { send } = deps.queue;
  deps.queue.send = async (...args) => {
    controller.abort();
    return send(...args);
  };
  const app = { ...deps, config };
  const { code } = await runWith(app, ['sweep'], { interruptSignal: () => controller.signal });
  expect(sent).toHaveLength(1);
  expect(code).toBe(130);
});

test('a fleet with many missing devices exits with 1, and the output names --allow-gone', async () => {
  const { deps, put, sent } = fleetDependencies();
  const credentials = await credentialsOf(uuidOf(0));
  for (let index = 0; index < 30; index += 1) await put(provisionedRecord(uuidOf(index), credentials));
  const app = { ...deps, config };
  for (const args of [['sweep', '--dry-run'], ['sweep']]) {
    const { code, text, json } = await runWith(app, args);
    expect(code).toBe(1);
    expect(json).toMatchObject({ checked: { gone: 0 }, guarded: [{ fleet, gone: 30, records: 30 }] });
    expect(text).toContain(`30 of 30 devices of ${fleet} are missing in balena`);
    expect(text).toContain(`provisioner sweep --fleet ${fleet} --allow-gone`);
  }
  expect(sent).toEqual([]);
  expect(await runWith(app, ['sweep', '--allow-gone'])).toMatchObject({
    code: 0,
    json: { checked: { gone: 30 } },
  });
  expect(sent).toHaveLength(30);
});
