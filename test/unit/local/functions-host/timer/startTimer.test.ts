import { jest } from '@jest/globals';
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
    { workers, running: createRunningInvocations(), stateFolder: null, onEvent: () => {} },
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
