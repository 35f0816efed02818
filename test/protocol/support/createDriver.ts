import type { System } from './createSystem.js';
import type { Parked, Process } from './createWorld.js';
import { deliver } from './deliver.js';
import { startProcess } from './startProcess.js';

const mostAtATime = 3;

export type Driver = ReturnType<typeof createDriver>;

/** Chooses the next event, step by step: a process goes on, dies or stalls, a message is delivered, or time passes. */
export function createDriver(system: System) {
  const { world, broker, scenario } = system;
  let started = 0;
  const start = (kind: string) => {
    started += 1;
    return startProcess(system, `${kind}${started}`);
  };
  const http = [start('http'), start('http')];
  const workers = Array.from({ length: scenario.workers }, () => start('worker'));

  /** A new process, with an empty memory, replaces each dead process. */
  function replaceDead(): void {
    for (const [list, kind] of [
      [http, 'http'],
      [workers, 'worker'],
    ] as const) {
      for (const [i, { process }] of list.entries()) if (!process.alive) list[i] = start(kind);
    }
  }

  function readyTime({ process, from }: Parked): number {
    return process ? Math.max(from, process.pausedUntil) : from;
  }

  function passTime(): void {
    if (!world.faults) world.now += world.pick([0, 10, 50]);
    else if (world.random() < 0.4) world.now += world.int(0, scenario.stepMs);
  }

  function breakSomething(): void {
    if (!world.chance(0.002)) return;
    const what = world.pick(['records', 'queue', 'hub', 'balena', 'backlog'] as const);
    if (what === 'backlog') {
      broker.holdUp(world.now + 1_000 * world.pick([20, 120, 900]));
      return;
    }
    world.down[what] = world.now + 1_000 * world.pick([5, 20, 60, 300]);
    world.note('', what, 'is down', (world.down[what] - world.now) / 1_000, 's');
  }

  /** @returns false if there are no more events */
  async function step(): Promise<boolean> {
    passTime();
    breakSomething();
    const overdue = world.parked.find(({ process, by }) => !process && by <= world.now);
    if (overdue) {
      await world.resume(overdue);
      return true;
    }
    const able = world.parked.filter((one) => readyTime(one) <= world.now);
    const ready = broker.ready();
    const free = workers.filter(
      ({ process, busy }) => busy < mostAtATime && process.pausedUntil <= world.now,
    );
    if (ready.length > 0 && free.length > 0 && (able.length === 0 || world.random() < 0.35)) {
      deliver(system, world.pick(free), world.pick(ready));
      await world.drained();
      replaceDead();
      return true;
    }
    if (able.length === 0) return skipAhead();
    const one = world.pick(able);
    if (one.process && !world.calm && world.chance(scenario.crashes)) {
      world.note('', one.process.name, 'CRASHES');
      troubled(one.process);
      world.kill(one.process);
    } else if (one.process && !world.calm && world.chance(scenario.stalls)) {
      one.process.pausedUntil = world.now + world.int(5_000, 300_000);
      troubled(one.process);
      world.note('', one.process.name, 'STALLS', (one.process.pausedUntil - world.now) / 1_000, 's');
    } else {
      await world.resume(one);
    }
    replaceDead();
    return true;
  }

  function troubled(process: Process): void {
    const inHand = (system.atDelivery.get(process) ?? []).filter((uuid) => uuid !== '');
    for (const uuid of inHand) system.cloud.device(uuid).trouble += 1;
  }

  function skipAhead(): boolean {
    // A message that has become active waits for a worker. The end of a pause, or of a parked step, frees the worker.
    const times = [
      broker.nextAt(),
      ...world.parked.map(readyTime),
      ...workers.map(({ process }) => process.pausedUntil),
    ];
    const soonest = Math.min(...times.filter((time) => time > world.now));
    if (soonest === Number.POSITIVE_INFINITY) return false;
    world.now = soonest;
    return true;
  }

  return {
    http: () => world.pick(http),
    worker: () => world.pick(workers),
    async until(done: () => boolean, mostSteps: number): Promise<void> {
      await world.drained();
      for (let i = 0; i < mostSteps && !done(); i += 1) {
        if (!(await step())) return;
      }
    },
    stopFaults() {
      world.faults = false;
      if (!system.sick?.forever) system.sick = null;
      for (const device of system.cloud.devices.values()) device.readOnly = false;
      broker.holdUp(0);
      Object.assign(world.down, { records: 0, queue: 0, hub: 0, balena: 0, ca: 0 });
      for (const { process } of [...http, ...workers])
        process.pausedUntil = Math.min(process.pausedUntil, world.now);
      world.note('', 'FAULTS STOP');
    },
    /** All processes are idle, and no request is under way; timers do not count. */
    isIdle: () =>
      world.parked.every(({ process, from }) => !process && from > world.now + 60_000) &&
      [...http, ...workers].every(({ busy }) => busy === 0),
  };
}
