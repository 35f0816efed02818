import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { jest } from '@jest/globals';
import { keepLock } from '../../../../../local/simulators/functions-host/servicebus/settler.js';

const lockMs = 30_000;

describe('keepLock', () => {
  const message = () => ({ lockedUntilUtc: new Date(Date.now() + lockMs) }) as ServiceBusReceivedMessage;
  const onLost = jest.fn();
  const renewLock = jest.fn(async () => new Date(Date.now() + lockMs));
  beforeEach(() => {
    jest.useFakeTimers();
    jest.clearAllMocks();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('renews ten seconds before the end, until its time is over', async () => {
    keepLock(message(), { renewLock }, { forMs: 70_000, onLost });
    await jest.advanceTimersByTimeAsync(19_999);
    expect(renewLock).toHaveBeenCalledTimes(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(renewLock).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(600_000);
    // The renewals are at 20 and 40 s. The lock from the second renewal ends at 70 s, and 70 s is the limit.
    expect(renewLock).toHaveBeenCalledTimes(2);
  });

  it('renews a short lock at half its time', async () => {
    const short = { lockedUntilUtc: new Date(Date.now() + 4_000) } as ServiceBusReceivedMessage;
    keepLock(short, { renewLock }, { forMs: 300_000, onLost });
    await jest.advanceTimersByTimeAsync(2_000);
    expect(renewLock).toHaveBeenCalledTimes(1);
  });

  it('does nothing once it is stopped, and never when it is switched off', async () => {
    const stop = keepLock(message(), { renewLock }, { forMs: 300_000, onLost });
    stop();
    keepLock(message(), { renewLock }, { forMs: 0, onLost });
    await jest.advanceTimersByTimeAsync(300_000);
    expect(renewLock).not.toHaveBeenCalled();
  });

  it('reports a lock that is lost once, and gives up', async () => {
    renewLock.mockRejectedValue(new Error('lost'));
    keepLock(message(), { renewLock }, { forMs: 300_000, onLost });
    await jest.advanceTimersByTimeAsync(300_000);
    expect(onLost).toHaveBeenCalledTimes(1);
  });
});
