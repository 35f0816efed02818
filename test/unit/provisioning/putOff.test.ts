import { putOff } from '../../../src/provisioning/putOff.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';

const wakeUp = { v: 1 as const, action: '018f0000-0000-7000-8000-000000000001', generation: 4, due: 0 };

test('a copy is scheduled for one to two minutes later, with an id of its own', async () => {
  const { deps, message, delivery, sent } = workerDependencies(now);
  const original = message({ uuid });
  await putOff(deps, original, delivery());
  expect(sent).toMatchObject([{ ...original, due: now + 90_000 }]);
});

test('a wake-up message is put off, too', async () => {
  const { deps, delivery } = workerDependencies(now);
  const envelopes: unknown[] = [];
  deps.queue.sendWakeUp = async (body, envelope) => void envelopes.push([body, envelope]);
  await putOff(deps, wakeUp, delivery());
  const at = now + 90_000;
  expect(envelopes).toEqual([
    [
      { ...wakeUp, due: at },
      { messageId: `${wakeUp.action}.4~9`, at },
    ],
  ]);
});

test('a queue that takes no copy costs a delivery only every few seconds', async () => {
  const { deps, message, delivery, clock } = workerDependencies(now);
  deps.queue.send = async () => {
    throw new ProvisioningError('queue-unavailable', 'Full.');
  };
  await expect(putOff(deps, message({ uuid }), delivery())).rejects.toThrow('Full.');
  expect(clock.now()).toBe(now + 5_000);
});
