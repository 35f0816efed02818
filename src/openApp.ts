import { randomUUID } from 'node:crypto';
import { type CircuitRow, openCircuit } from './circuit.js';
import { systemClock as clock } from './clock.js';
import type { Config } from './config.js';
import type { Balena } from './edges/balena/Balena.js';
import type { BalenaListing } from './edges/balena/fleetPage.js';
import { openBalena } from './edges/balena/openBalena.js';
import type { Hub, HubListing } from './edges/hub/Hub.js';
import { openHub } from './edges/hub/openHub.js';
import { openQueue } from './edges/queue.js';
import { openSettlement, type Settlement } from './edges/settlement.js';
import { settlementEndpoint } from './edges/settlementEndpoint.js';
import { openTable, type Table } from './edges/table.js';
import type { AuditTools } from './fleet/audit.js';
import { openPosition, type Position, type PositionRow } from './fleet/openPosition.js';
import type { OpsTools } from './ops/OpsTools.js';
import { openOps } from './ops/openOps.js';
import type { OverdueTools } from './overdue.js';
import type { Dependency } from './ProvisioningError.js';
import { openPace, type PaceRow } from './pace/openPace.js';
import { openProof, type Proof } from './proof/openProof.js';
import type { DeviceRecord } from './record/DeviceRecord.js';
import { openRecords } from './records.js';
import { rememberSent } from './sentRecently.js';
import { openStatus, type StatusRow } from './status.js';
import { minter } from './steps/mint.js';
import { traceCalls, traceSlowCalls } from './telemetry/traceCalls.js';
import type { WebhookTools } from './webhook/answerWebhook.js';
import { openHandledWebhooks } from './webhook/handledWebhooks.js';
import { retrySoon } from './worker/retrySoon.js';
import type { Tools } from './worker/Tools.js';

/** The SDK's own limit is 59 s. */
const longestBalenaCallMs = 15_000;

/** Ten times what a read takes. */
const slowReadMs = 50;

/** How often the `overdue` function runs. */
export const overduePeriodMs = 300_000;

/** Everything that the functions work with, from one configuration: one client and one pool of connections for each side. */
export interface App extends AuditTools, OpsTools, OverdueTools, Tools, WebhookTools {
  config: Config;
  balena: Balena & BalenaListing;
  hub: Hub & HubListing;
  proof: Proof;
  /** How far the sweep has come. */
  sweepPosition: Position;
  /** @throws Error if this is not a worker of a Functions host */
  settlement(): Settlement;
  close(): Promise<void>;
}

/**
 * @param args the worker's command line: it says where the host takes settlements
 * @param log for what belongs to no invocation
 */
export function openApp(config: Config, args: readonly string[] = process.argv, log = console.log): App {
  const table = <T>(name: string) => {
    const of = { table: name };
    const written = traceCalls('records', openTable<T>({ ...config.records, name }), ['put', 'remove'], of);
    return traceSlowCalls('records', written, ['get'], slowReadMs, of);
  };
  const records = openRecords(table<DeviceRecord>('devices'), clock);
  const system: Table<unknown> = table('system');
  const queue = traceCalls('queue', openQueue(config.queue), ['send', 'sendAction']);
  const hub = traceCalls('hub', openHub(config.hub), ['get', 'create', 'update', 'remove', 'list']);
  const balena = openBalena({
    ...config.balena,
    // A call that starts at the end of the work limit is over before the lease's grace is.
    callTimeoutMs: Math.min(longestBalenaCallMs, config.leaseGraceMs / 2),
  });
  const circuit = (dependency: Dependency) =>
    openCircuit({ dependency, table: system as Table<CircuitRow>, clock, log });
  let settlement: Settlement | undefined;

  const ops = openOps(config, {
    records,
    queue,
    clock,
    sentRecently: rememberSent(clock),
    pace: openPace({ table: system as Table<PaceRow>, clock, perMinute: config.hub.operationsPerMinute }),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({
      table: system as Table<StatusRow>,
      clock,
      later: (ms, run) => void setTimeout(run, ms).unref(),
    }),
  });

  return {
    ...ops,
    config,
    hub,
    balena: traceCalls('balena', balena, ['find', 'sees', 'store', 'remove', 'list', 'fleetsOf']),
    queriesPerMinute: config.hub.queriesPerMinute,
    sweepPosition: openPosition(system as Table<PositionRow>, 'sweep', clock),
    mint: minter(config.certificate),
    retrySoon,
    proof: openProof({ mode: config.deviceProof, apiUrl: config.balena.apiUrl, clock }),
    handledWebhooks: openHandledWebhooks(table('webhooks'), clock),
    settings: config,
    duplicateWindowMs: config.duplicateWindowMs,
    periodMs: overduePeriodMs,
    instance: randomUUID(),
    random: Math.random,
    settlement() {
      if (!settlement) {
        const endpoint = settlementEndpoint(args);
        if (!endpoint)
          throw new Error(
            'no Functions host is named in the arguments of this process: nothing can be dead-lettered',
          );
        settlement = openSettlement(endpoint);
      }
      return settlement;
    },
    async close() {
      settlement?.close();
      hub.close();
      await queue.close();
    },
  };
}
