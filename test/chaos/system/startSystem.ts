import { setTimeout as sleep } from 'node:timers/promises';
import type { HostEndpoints } from '../../../local/simulators/functions-host/startHost.js';
import type { Fault } from '../../../local/simulators/shared/faults.js';
import type { Forked } from '../../../local/stack/forkSimulator.js';
import type { SimulatorName } from '../../../local/stack/simulators.js';
import { type Stack, type StackOptions, startStack } from '../../../local/stack/startStack.js';
import type { Side, Victim } from '../plan/Plan.js';
import { control } from './control.js';

/** The real processes, and the faults for the processes. */
export interface System {
  stack: Stack;
  /**
   * Ends a process, by a crash or in order, and starts the process again later. Does nothing if the process is down or paused.
   */
  end(how: 'kill' | 'stop', victim: Victim, downMs: number): Promise<void>;
  /** Ends the worker process of a host. If the host ends as well, the host is started again, as by the platform. */
  crash(victim: Victim): Promise<void>;
  /** Drains a host, and ends the host in order a while later, with whatever is under way. Starts the host again. */
  drain(victim: Victim, forMs: number, downMs: number): Promise<void>;
  /** Pauses the worker process of a host until functionTimeout is over. The host goes on. */
  hang(victim: Victim): Promise<void>;
  /** Pauses a process for a while. */
  pause(victim: Victim, forMs: number): Promise<void>;
  setFaults(side: Side, faults: Fault[]): Promise<void>;
  close(): Promise<void>;
}

/** The protocol's times, in seconds instead of minutes. `latestEffectMs` and the outages of a plan are made for these. */
const settings = {
  WORK_LIMIT_SECONDS: '4',
  LEASE_GRACE_SECONDS: '4',
  DUPLICATE_WINDOW_SECONDS: '20',
  // Fits a run of two minutes. Otherwise the wait would be longer than the run.
  LONGEST_BACK_OFF_SECONDS: '15',
  IOTHUB_UNITS: '10',
  // Longer than a run and its grace.
  AzureFunctionsJobHost__functionTimeout: '00:00:10',
};
const hangMs = 13_000;
const lockSeconds = 10;
export const duplicateWindowMs = 20_000;

const simulators: Partial<Record<Victim, SimulatorName>> = {
  broker: 'serviceBus',
  tables: 'tables',
  hub: 'iotHub',
  balena: 'balena',
};
/** Long enough for a broker or tables to start again. */
const startWithinMs = 240_000;

/** @param timers the timers that run; default: all */
export async function startSystem(
  folder: string,
  onLine: (process: string, line: string) => void,
  timers?: StackOptions['timers'],
): Promise<System> {
  const stack = await startStack({
    folder,
    onLine,
    settings,
    lockSeconds,
    // The checks read the queue in the same namespace.
    credits: 0,
    freePorts: true,
    hub: ['--units', settings.IOTHUB_UNITS],
    hosts: ['http', 'worker', 'worker'],
    ...(timers && { timers }),
  });
  const [http, worker1, worker2] = stack.hosts;
  const hosts: Partial<Record<Victim, Forked<HostEndpoints>>> = {
    http,
    'worker 1': worker1,
    'worker 2': worker2,
  };
  const faults: Record<Side, Fault[]> = { hub: [], balena: [] };
  const struck = new Set<Victim>();

  const processOf = (victim: Victim) => {
    const simulator = simulators[victim];
    const forked = simulator ? stack.simulators[simulator] : hosts[victim];
    if (!forked) throw new Error(`${victim} is not there`);
    return forked;
  };
  const applyFaults = async (side: Side) => {
    const name = side === 'hub' ? 'iotHub' : 'balena';
    // A dependency that is down gets the faults after the start.
    await control(stack.simulators[name]?.endpoints.controlUrl, 'PUT /faults', faults[side]).catch(() => {});
  };
  const start = async (victim: Victim) => {
    const simulator = simulators[victim];
    if (simulator) await stack.restart(simulator);
    else hosts[victim] = await stack.startHost(victim === 'http' ? 'http' : 'worker');
    if (victim === 'hub' || victim === 'balena') await applyFaults(victim);
  };
  const startAgain = async (victim: Victim) => {
    await untilStarted(
      () => start(victim),
      (why) => onLine('chaos', `${victim} does not start: ${why}`),
    );
    onLine('chaos', `${victim} is back`);
  };
  const once = async (victim: Victim, strike: () => Promise<void>) => {
    if (struck.has(victim)) return;
    struck.add(victim);
    await strike();
    struck.delete(victim);
  };
  /** The host starts a new worker process. If the host has ended, the host is started again. */
  const untilWorkerIsBack = async (victim: Victim, host: Forked<HostEndpoints>) => {
    const hasWorker = () =>
      control<{ pid: number | null }>(host.endpoints.controlUrl, 'GET /worker').then(
        ({ pid }) => pid !== null,
        () => false,
      );
    let hasEnded = false;
    void host.ended.then(() => {
      hasEnded = true;
    });
    while (!hasEnded && !(await hasWorker())) await sleep(100);
    if (hasEnded) await startAgain(victim);
  };

  return {
    stack,
    end: (how, victim, downMs) =>
      once(victim, async () => {
        onLine('chaos', `${how} ${victim} for ${downMs} ms`);
        await processOf(victim)[how]();
        onLine('chaos', `${victim} has ended`);
        await sleep(downMs);
        await startAgain(victim);
      }),
    crash: (victim) =>
      once(victim, async () => {
        const host = hosts[victim];
        if (!host) throw new Error(`${victim} has no worker process`);
        onLine('chaos', `crash the worker process of ${victim}`);
        // There may be no worker process at this moment.
        await control(host.endpoints.controlUrl, 'POST /worker/kill').catch(() => {});
        await untilWorkerIsBack(victim, host);
      }),
    drain: (victim, forMs, downMs) =>
      once(victim, async () => {
        const host = hosts[victim];
        if (!host) throw new Error(`${victim} is no host`);
        onLine('chaos', `drain ${victim} for ${forMs} ms`);
        // The worker process of a crashed host may be missing at this moment.
        await control(host.endpoints.controlUrl, 'POST /drain').catch(() => {});
        await sleep(forMs);
        await host.stop();
        onLine('chaos', `${victim} is drained and has ended`);
        await sleep(downMs);
        await startAgain(victim);
      }),
    hang: (victim) =>
      once(victim, async () => {
        const host = hosts[victim];
        if (!host) throw new Error(`${victim} has no worker process`);
        const worker = await control<{ pid: number | null }>(host.endpoints.controlUrl, 'GET /worker').catch(
          () => null,
        );
        if (!worker?.pid) return;
        onLine('chaos', `the worker process of ${victim} hangs`);
        const { pid } = worker;
        const goOn = () => signal(pid, 'SIGCONT');
        process.once('exit', goOn);
        signal(pid, 'SIGSTOP');
        await sleep(hangMs);
        goOn();
        process.off('exit', goOn);
        onLine('chaos', `the worker process of ${victim} goes on, or was ended`);
        await untilWorkerIsBack(victim, host);
        await sleep(3_000);
      }),
    pause: (victim, forMs) =>
      once(victim, async () => {
        const forked = processOf(victim);
        onLine('chaos', `pause ${victim} for ${forMs} ms`);
        // If this process ends during a pause, the paused process would never notice, and would never end.
        const goOn = () => forked.resume();
        process.once('exit', goOn);
        forked.pause();
        await sleep(forMs);
        goOn();
        process.off('exit', goOn);
        onLine('chaos', `${victim} goes on`);
        // A worker that pauses between the check of the time and a call, and dies right after the call, is a case that no
        // client-side rule covers (docs/protocol.md, "What is left open").
        await sleep(3_000);
      }),
    async setFaults(side, given) {
      faults[side] = given;
      onLine('chaos', `${side} faults: ${JSON.stringify(given)}`);
      await applyFaults(side);
    },
    close: () => stack.close(),
  };
}

/** Sends a signal to a process that may have ended. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // The host has ended the process.
  }
}

async function untilStarted(start: () => Promise<void>, say: (why: string) => void): Promise<void> {
  const begun = Date.now();
  for (;;) {
    try {
      return await start();
    } catch (error) {
      say((error as Error).message);
      if (Date.now() - begun > startWithinMs) throw error;
      await sleep(500);
    }
  }
}
