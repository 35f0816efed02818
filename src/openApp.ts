import { randomUUID } from 'node:crypto';
import type { AuditDependencies } from '../cli/fleet/audit.js';
import { openBalenaClient } from './balena/client.js';
import type { FleetListing } from './balena/listing.js';
import type { BalenaClient } from './balena/types.js';
import { minter } from './certificates/mint.js';
import type { Config } from './config/config.js';
import { openProof, type Proof } from './http/deviceProof.js';
import type { WebhookDependencies } from './http/webhook/answer.js';
import { openHandledWebhooks } from './http/webhook/handled.js';
import { openHubRegistry } from './iothub/registry.js';
import type { HubListing, HubRegistry } from './iothub/types.js';
import { type OpsApp, openOpsApp, openTracedTable } from './openOpsApp.js';
import type { WorkerDependencies } from './provisioning/dependencies.js';
import type { RedriveDependencies } from './provisioning/redrive.js';
import { openSettlement, type Settlement, settlementEndpoint } from './queue/settlement.js';
import { retryTransient } from './shared/retry.js';
import { systemClock as clock } from './shared/time.js';
import { openLastRun, openPosition, type Position, type PositionRow } from './storage/timerRows.js';
import { traceCalls } from './telemetry/traceCalls.js';

/** The SDK's own limit is 59 s. */
const longestBalenaCallMs = 15_000;

/** How often the `overdue` function runs. */
export const redrivePeriodMs = 300_000;

/** Everything that the functions work with, from one configuration: one client and one pool of connections for each side. */
export interface App
  extends AuditDependencies,
    OpsApp,
    RedriveDependencies,
    WorkerDependencies,
    WebhookDependencies {
  config: Config;
  balena: BalenaClient & FleetListing;
  hub: HubRegistry & HubListing;
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
  const ops = openOpsApp(config, log);
  const hub = traceCalls('hub', openHubRegistry(config.hub), ['get', 'create', 'update', 'remove', 'list']);
  const balena = openBalenaClient({
    ...config.balena,
    // A call that starts at the end of the work limit is over before the lease's grace is.
    callTimeoutMs: Math.min(longestBalenaCallMs, config.leaseGraceMs / 2),
  });
  let settlement: Settlement | undefined;

  return {
    ...ops,
    config,
    hub,
    balena: traceCalls('balena', balena, ['findDevice', 'seesFleet', 'store', 'remove', 'list', 'fleetsOf']),
    queriesPerMinute: config.queriesPerMinute,
    sweepPosition: openPosition(openTracedTable<PositionRow>(config, 'system'), 'sweep', clock),
    mint: minter(config.certificate),
    retryTransient,
    proof: openProof({ mode: config.deviceProof, apiUrl: config.balena.apiUrl, clock }),
    handledWebhooks: openHandledWebhooks(openTracedTable(config, 'webhooks'), clock),
    settings: config,
    duplicateWindowMs: config.duplicateWindowMs,
    periodMs: redrivePeriodMs,
    lastRun: openLastRun(openTracedTable(config, 'system'), 'redrive'),
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
      await ops.close();
    },
  };
}
