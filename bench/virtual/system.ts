import { seededRandom } from '../../local/simulators/shared/faults.js';
import { limitRequests } from '../../src/balena/limitRequests.js';
import { rememberSight } from '../../src/balena/sight.js';
import { noCa } from '../../src/certificates/ca/ca.js';
import type { Credentials } from '../../src/certificates/mint.js';
import type { DeviceRequest } from '../../src/device/request.js';
import { openStatus } from '../../src/health/status.js';
import { operationsPerMinute, type Tier } from '../../src/iothub/quotas.js';
import { type AcceptDependencies, accept } from '../../src/provisioning/accept.js';
import type { WorkerDependencies } from '../../src/provisioning/dependencies.js';
import { processMessage } from '../../src/provisioning/worker.js';
import { rememberSent } from '../../src/queue/publish.js';
import { isTransient, type RetryTransient } from '../../src/shared/retry.js';
import type { Clock, EpochMs } from '../../src/shared/time.js';
import { openServerClock } from '../../src/storage/serverClock.js';
import { openBalenaLimit } from '../../src/throttling/balenaLimit.js';
import { openCircuitBreaker } from '../../src/throttling/circuitBreaker.js';
import { openRateLimiter } from '../../src/throttling/openRateLimiter.js';
import type { RateLimiter } from '../../src/throttling/rateLimiter.js';
import { openTestRecords } from '../../test/support/openTestRecords.js';
import { openCloud } from './cloud.js';
import { type ActiveMessage, openVirtualQueue } from './queue.js';
import { openRows, openVirtualTable } from './table.js';
import { openVirtualTime } from './time.js';

/** 2027-01-15. */
const start: EpochMs = 1_800_000_000_000;
/** The concurrent calls of one instance, as in host.json. */
const concurrency = 16;
/** Our limit of requests to balena. S3 x 10 needs four requests for each of 833 devices a second. */
const balenaPerMinute = 300_000;

export interface VirtualSystemOptions {
  tier: Tier;
  units: number;
  /** Instances of the worker. */
  instances: number;
  /** How far each instance's clock is ahead of the true time, ms. */
  aheadMs?: (instance: number) => number;
  /** Changes the hub's rate limiter of each instance: a test switches one rule of the line off. */
  change?: (rateLimiter: RateLimiter) => RateLimiter;
}

/** An instance of the functions, with the product's own code. */
export interface Instance {
  deps: WorkerDependencies & AcceptDependencies;
  running: number;
}

export type VirtualSystem = ReturnType<typeof openVirtualSystem>;

/** Opens a system in virtual time: the product's worker and limiter, with the queue, tables, balena and the hub in memory. */
export function openVirtualSystem(options: VirtualSystemOptions) {
  const time = openVirtualTime(start);
  const random = seededRandom(1);
  const cloud = openCloud(time);
  const devices = openRows();
  const lists = openRows();
  const system = openRows();
  const active: ActiveMessage[] = [];
  let next = 0;
  let taken = 0;
  const counts = { deliveries: 0, deadLetters: 0 };
  /** When each device was provisioned or deprovisioned. */
  const endedAt = new Map<string, EpochMs>();
  const mints = new Map<string, Credentials[]>();
  const latencyMs = () => 8 + 8 * random();
  const { queue, counts: messages } = openVirtualQueue(time, (message) => {
    active.push(message);
    dispatch();
  });
  let perMinute = operationsPerMinute(options.tier, options.units);

  const { change = (rateLimiter) => rateLimiter } = options;

  function openInstance(name: string, local: Clock): Instance {
    const { noteDate, ...clock } = openServerClock(local);
    const table = <T>() => openVirtualTable<T>(time, system, latencyMs, noteDate, local.now);
    const records = openTestRecords(
      openVirtualTable(time, devices, () => 0, noteDate, local.now),
      clock,
      openVirtualTable(time, lists, () => 0, noteDate, local.now),
    );
    const circuit = (dependency: 'balena' | 'hub') =>
      openCircuitBreaker({ dependency, table: table(), clock, random, log: () => {} });
    const limiter = (perMinute: number, row: string) =>
      openRateLimiter({
        table: table(),
        clock,
        perMinute,
        row,
        random,
        schedule: (ms, run) => time.at(time.now() + ms, run),
      });
    const balenaLimit = openBalenaLimit(limiter(balenaPerMinute, 'balenaLimit'), clock);
    return {
      running: 0,
      deps: {
        records,
        queue,
        clock,
        sentRecently: rememberSent(clock, 600_000),
        hub: cloud.hub,
        balena: limitRequests(cloud.balena, balenaLimit),
        rateLimiter: change(limiter(perMinute, 'rateLimiter')),
        balenaLimit,
        sight: rememberSight(clock),
        circuits: { balena: circuit('balena'), hub: circuit('hub') },
        status: openStatus({ table: openVirtualTable(time, openRows(), () => 0), clock }),
        ca: noCa('No device of the bench has a certificate request.'),
        mint: async (uuid) => mints.get(uuid)?.shift() ?? anyPair,
        retryTransient: retryBy(clock),
        settings: {
          workLimitMs: 60_000,
          leaseGraceMs: 60_000,
          maxAttempts: 10,
          fleets: null,
          renewAt: 0.8,
        },
        instance: name,
        random,
      },
    };
  }

  let instances: Instance[] = [];
  /** Starts the instances, as a deployment does. The instances before finish what they have begun. */
  function deploy(units: number): void {
    perMinute = operationsPerMinute(options.tier, units);
    instances = Array.from({ length: options.instances }, (_, i) =>
      openInstance(`worker ${i}`, time.clock(options.aheadMs?.(i) ?? 0)),
    );
  }
  deploy(options.units);

  function dispatch(): void {
    while (taken < active.length) {
      const free = freeInstance();
      if (!free) return;
      const message = active[taken];
      taken += 1;
      if (taken > 10_000) {
        active.splice(0, taken);
        taken = 0;
      }
      if (message) void deliver(free, message);
    }
  }

  function freeInstance(): Instance | undefined {
    for (let i = 0; i < instances.length; i += 1) {
      next = (next + 1) % instances.length;
      const instance = instances[next];
      if (instance && instance.running < concurrency) return instance;
    }
    return undefined;
  }

  async function deliver(instance: Instance, { message, ...delivery }: ActiveMessage): Promise<void> {
    instance.running += 1;
    counts.deliveries += 1;
    await processMessage(instance.deps, message, {
      ...delivery,
      deadLetter: async () => {
        counts.deadLetters += 1;
      },
      log: (line) => {
        if (/: (de)?provisioned in /.test(line) && !endedAt.has(message.uuid))
          endedAt.set(message.uuid, time.now());
      },
    });
    instance.running -= 1;
    dispatch();
  }

  return {
    time,
    start,
    cloud,
    devices,
    system,
    counts,
    messages,
    endedAt,
    mints,
    queue,
    deploy,
    perMinute: () => perMinute,
    /** Any instance. */
    instance: (i = 0) => instances[i % instances.length] as Instance,
    /** Sends a request to some instance. */
    async request(request: DeviceRequest): Promise<void> {
      next = (next + 1) % instances.length;
      const instance = instances[next];
      if (instance) await accept(instance.deps, request);
    },
  };
}

/** The fakes never read a certificate, except for devices with pairs of their own. */
const anyPair: Credentials = {
  thumbprint: 'A'.repeat(64),
  notBefore: start - 300_000,
  notAfter: start + 3_650 * 86_400_000,
  keyAlgorithm: 'ec-p256',
  certificate: 'certificate',
  privateKey: 'key',
};

/** As `retryTransient`, in virtual time. */
function retryBy(clock: Clock): RetryTransient {
  return async (call) => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (tries >= 3 || !isTransient(error)) throw error;
        await clock.sleep(200 * 2 ** tries);
      }
    }
  };
}
