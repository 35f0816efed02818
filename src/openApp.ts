import { randomUUID } from 'node:crypto';
import { systemClock as clock } from './clock.js';
import type { Config } from './config.js';
import { openBalena } from './edges/balena/openBalena.js';
import { openHub } from './edges/hub/openHub.js';
import { openSettlement, type Settlement } from './edges/settlement.js';
import { settlementEndpoint } from './edges/settlementEndpoint.js';
import { openTable } from './edges/table.js';
import { type OpsApp, openOpsApp } from './openOpsApp.js';
import type { OverdueTools } from './overdue.js';
import { openProof, type Proof } from './proof/openProof.js';
import { minter } from './steps/mint.js';
import type { WebhookTools } from './webhook/answerWebhook.js';
import { openHandledWebhooks } from './webhook/handledWebhooks.js';
import { retrySoon } from './worker/retrySoon.js';
import type { Tools } from './worker/Tools.js';

/** The SDK's own limit is 59 s. */
const longestBalenaCallMs = 15_000;

/** How often the `overdue` function runs. */
export const overduePeriodMs = 300_000;

/** Everything that the functions work with, from one configuration: one client and one pool of connections for each side. */
export interface App extends OpsApp, OverdueTools, Tools, WebhookTools {
  config: Config;
  proof: Proof;
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
  const hub = openHub(config.hub);
  let settlement: Settlement | undefined;

  return {
    ...ops,
    config,
    hub,
    balena: openBalena({
      ...config.balena,
      // A call that starts at the end of the work limit is over before the lease's grace is.
      callTimeoutMs: Math.min(longestBalenaCallMs, config.leaseGraceMs / 2),
    }),
    mint: minter(config.certificate),
    retrySoon,
    proof: openProof({ mode: config.deviceProof, apiUrl: config.balena.apiUrl, clock }),
    handledWebhooks: openHandledWebhooks(openTable({ ...config.records, name: 'webhooks' }), clock),
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
      await ops.close();
    },
  };
}
