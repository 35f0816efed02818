import { jest } from '@jest/globals';
import { noHostFaults } from '../../../../../local/simulators/functions-host/hostFaults.js';
import {
  readTimerFunction,
  startTimer,
} from '../../../../../local/simulators/functions-host/timer/startTimer.js';
import { createRunningInvocations } from '../../../../../local/simulators/functions-host/trigger.js';

test('a run that lasts beyond the next time is followed by the next run at once', async () => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:30Z') });
  const starts: string[] = [];
  const workers = {
    functions: [],
    pid: () => null,
    invoke: async () => {
      starts.push(new Date().toISOString());
      await new Promise((resolve) => setTimeout(resolve, 90_000));
      return {};
    },
    stop: async () => {},
    gaveUp: new Promise<void>(() => {}),
  };
  const schedule = '0 * * * * *';
  const timer = startTimer(
    readTimerFunction({ name: 'tick', bindings: { trigger: { type: 'timerTrigger', schedule } } }),
    {
      workers,
      running: createRunningInvocations(),
      faults: noHostFaults(),
      stateFolder: null,
      onEvent: () => {},
    },
  );
  await jest.advanceTimersByTimeAsync(240_000);
  await timer.stop();
  jest.useRealTimers();
  expect(starts).toEqual([
    '2026-01-01T00:01:00.000Z',
    '2026-01-01T00:02:30.001Z',
    '2026-01-01T00:04:00.002Z',
  ]);
});

test('a stopped timer runs no more, until the fault ends', async () => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:30Z') });
  let runs = 0;
  const workers = {
    functions: [],
    pid: () => null,
    invoke: async () => {
      runs += 1;
      return {};
    },
    stop: async () => {},
    gaveUp: new Promise<void>(() => {}),
  };
  const faults = { ...noHostFaults(), stoppedTimers: ['tick'] };
  const schedule = '0 * * * * *';
  const timer = startTimer(
    readTimerFunction({ name: 'tick', bindings: { trigger: { type: 'timerTrigger', schedule } } }),
    { workers, running: createRunningInvocations(), faults, stateFolder: null, onEvent: () => {} },
  );
  await jest.advanceTimersByTimeAsync(600_000);
  expect(runs).toBe(0);
  faults.stoppedTimers = [];
  await jest.advanceTimersByTimeAsync(60_000);
  expect(runs).toBe(1);
  await timer.stop();
  jest.useRealTimers();
});
