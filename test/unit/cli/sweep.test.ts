import { credentialsOf, fleet, fleetTools, provisionedRecord, uuidOf } from '../../support/fleetTools.js';
import { runWith } from '../../support/runWith.js';

const config = { defaultService: 'main', fleets: [fleet], renewAt: 0.8 };

test('a sweep that is interrupted at its very end does not end as if it was not', async () => {
  const { tools, add, sent } = fleetTools();
  add(uuidOf(1));
  const controller = new AbortController();
  const { send } = tools.queue;
  tools.queue.send = async (...args) => {
    controller.abort();
    return send(...args);
  };
  const app = { ...tools, config };
  const { code } = await runWith(app, ['sweep'], { stopGently: () => controller.signal });
  expect(sent).toHaveLength(1);
  expect(code).toBe(130);
});

test('a fleet of which many records look gone is named, and what to do; it ends with 1', async () => {
  const { tools, put, sent } = fleetTools();
  const credentials = await credentialsOf(uuidOf(0));
  for (let n = 0; n < 30; n += 1) await put(provisionedRecord(uuidOf(n), credentials));
  const app = { ...tools, config };
  for (const args of [['sweep', '--dry-run'], ['sweep']]) {
    const { code, text, json } = await runWith(app, args);
    expect(code).toBe(1);
    expect(json).toMatchObject({ checked: { gone: 0 }, held: [{ fleet, gone: 30, records: 30 }] });
    expect(text).toContain(`30 of 30 records of ${fleet} look gone from balena`);
    expect(text).toContain(`provisioner sweep --fleet ${fleet} --allow-gone`);
  }
  expect(sent).toEqual([]);
  expect(await runWith(app, ['sweep', '--allow-gone'])).toMatchObject({
    code: 0,
    json: { checked: { gone: 30 } },
  });
  expect(sent).toHaveLength(30);
});
