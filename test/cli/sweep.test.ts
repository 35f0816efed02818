import { fleet, fleetTools, uuidOf } from '../fleet/support.js';
import { runWith } from './runWith.js';

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
