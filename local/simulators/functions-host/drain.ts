import type { RunningInvocations, Trigger } from './trigger.js';

/** The drain mode of the real host, which the platform starts before a scale-in or a deployment. */
export interface Drain {
  /** Gives the listeners that a drain stops. */
  setListeners(listeners: Trigger[]): void;
  /** Stops all listeners. HTTP functions go on. Running invocations end by themselves. */
  start(): Promise<void>;
  /** As `GET /admin/host/drain/status` of the real host. */
  status(): { state: 'Disabled' | 'InProgress' | 'Completed'; outstandingInvocations: number };
}

export function createDrain(running: RunningInvocations): Drain {
  let listeners: Trigger[] = [];
  let stopped: Promise<unknown> | undefined;
  const start = async () => {
    stopped ??= Promise.all(listeners.map((listener) => listener.stop()));
    await stopped;
  };
  return {
    setListeners: (given) => {
      listeners = given;
      // The drain may have begun while the host was starting.
      if (stopped) stopped = Promise.all(listeners.map((listener) => listener.stop()));
    },
    start,
    status: () => {
      const outstandingInvocations = running.count();
      if (!stopped) return { state: 'Disabled', outstandingInvocations };
      return { state: outstandingInvocations > 0 ? 'InProgress' : 'Completed', outstandingInvocations };
    },
  };
}
