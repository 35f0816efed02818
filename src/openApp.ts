import { randomUUID } from 'node:crypto';
import { openBalenaClient } from './balena/client.js';
import { limitRequests } from './balena/limitRequests.js';
import type { FleetListing } from './balena/listing.js';
import { rememberSight } from './balena/sight.js';
import type { BalenaClient } from './balena/types.js';
import { openCaOf } from './certificates/ca/openCaOf.js';
import { minter } from './certificates/mint.js';
import type { Config } from './config/config.js';
import { openCaCheck } from './health/checkCa.js';
import { openProof, type Proof } from './http/proof/deviceProof.js';
import type { WebhookDependencies } from './http/webhook/answer.js';
import { openHandledWebhooks } from './http/webhook/handled.js';
import { openHubRegistry } from './iothub/registry.js';
import type { HubListing, HubRegistry } from './iothub/types.js';
import { type OpsApp, openLimitOfBalena, openOpsApp, openTracedTable } from './openOpsApp.js';
import type { WorkerDependencies } from './provisioning/dependencies.js';
import type { RedriveDependencies } from './provisioning/redrive.js';
import { openSettlement, type Settlement, settlementEndpoint } from './queue/settlement.js';
import { retryTransient } from './shared/retry.js';
import { openLastRun, openPosition, type Position, type PositionRow } from './storage/timerRows.js';
import { traceCalls } from './telemetry/traceCalls.js';

/** The longest time for one call to balena. The SDK alone would wait for 59 s. */
const maxBalenaCallMs = 15_000;

const balenaCalls = [
  'findDevice',
  'seesFleet',
  'add',
  'store',
  'remove',
  'ping',
  'list',
  'fleetsOf',
  'servicesOf',
  'listWithout',
] as const;

/** The period of the function `redrive`. */
export const redrivePeriodMs = 300_000;

/** The checks of proofs keep ahead of the registrations: twice the hub's rate, and 20 a second at least. */
const proofChecksPerSecond = (operationsPerMinute: number) => Math.max(20, (2 * operationsPerMinute) / 60);

/** All dependencies of the functions, from one configuration: one client and one pool of connections for each service. */
export interface App extends OpsApp, RedriveDependencies, WorkerDependencies, WebhookDependencies {
  config: Config;
  balena: BalenaClient & FleetListing;
  hub: HubRegistry & HubListing;
  /** The hub's limit of queries. */
  queriesPerMinute: number;
  proof: Proof;
  /** Notes in the status whether the CA can sign. */
  checkCa(): Promise<void>;
  /** The progress of the sweep. */
  sweepPosition: Position;
  settlement(): Settlement;
  close(): Promise<void>;
}

/**
 * Opens the app of the functions.
 *
 * @param args the worker's command line, with the host's endpoint for settlements
 * @param log for lines outside of any invocation
 */
export function openApp(config: Config, args: readonly string[] = process.argv, log = console.log): App {
  const ops = openOpsApp(config, log);
  const { clock } = ops;
  const hub = traceCalls('hub', openHubRegistry(config.hub), [
    'get',
    'create',
    'update',
    'remove',
    'ping',
    'list',
  ]);
  const client = openBalenaClient({
    ...config.balena,
    // A call started at the end of the work limit must finish before the end of the lease's grace.
    callTimeoutMs: Math.min(maxBalenaCallMs, config.leaseGraceMs / 2),
  });
  const balenaLimit = openLimitOfBalena(config, clock);
  const balena = limitRequests(traceCalls('balena', client, balenaCalls), balenaLimit);
  const ca = openCaOf(config, clock);
  const settlement = openSettlement(settlementEndpoint(args), config.queue);

  return {
    ...ops,
    config,
    hub,
    balena,
    balenaLimit,
    sight: rememberSight(clock),
    queriesPerMinute: config.queriesPerMinute,
    sweepPosition: openPosition(openTracedTable<PositionRow>(config, 'system'), 'sweep', clock),
    mint: minter(config.certificate),
    ca,
    checkCa: openCaCheck(config.ca && ca, ops),
    retryTransient,
    proof: openProof({
      mode: config.deviceProof,
      apiUrl: config.balena.apiUrl,
      balena,
      fleets: config.fleets,
      checksPerSecond: proofChecksPerSecond(config.operationsPerMinute),
      clock,
    }),
    handledWebhooks: openHandledWebhooks(openTracedTable(config, 'webhooks'), clock),
    settings: config,
    duplicateWindowMs: config.duplicateWindowMs,
    periodMs: redrivePeriodMs,
    lastRun: openLastRun(openTracedTable(config, 'system'), 'redrive'),
    instance: randomUUID(),
    random: Math.random,
    settlement: () => settlement,
    async close() {
      hub.close();
      await Promise.all([settlement.close(), ops.close()]);
    },
  };
}
