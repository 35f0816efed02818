import { z } from 'zod';
import type { Routes } from '../shared/startControl.js';
import type { TelemetryLog } from './deviceMessages.js';
import type { MqttServer } from './mqttServer.js';
import type { QueryView } from './queries.js';
import { type RegistryRules, usualRules } from './registry.js';
import { limits, queryLimits, registryLimits, type Throttle, tiers, unlimited } from './throttle.js';

const size = z.strictObject({ tier: z.enum(tiers), units: z.int().min(1).max(200).default(1) });
const switchedOff = z.strictObject({ unthrottled: z.literal(true) });
const rate = z.strictObject({
  perMinute: z.number().positive(),
  burst: z.number().min(1).optional(),
  backlog: z.int().min(0).optional(),
  holdMs: z.number().min(0).optional(),
  waitSeconds: z.int().min(0).optional(),
});

/** The three forms of a throttle. Each form starts from the defaults and with a full bucket. */
const throttleBody = z.union([size, switchedOff, rate], {
  error: 'send {"tier": "S1", "units": 1}, {"unthrottled": true} or {"perMinute": 100}',
});

const rulesBody = z
  .strictObject({ missing: z.union([z.literal(404), z.literal(412)]), unreadableMs: z.number().min(0) })
  .partial();

const lagBody = z.strictObject({ lagMs: z.number().min(0) });

export interface ControlRoutesOptions {
  throttle: Throttle;
  queryThrottle: Throttle;
  queryView: Pick<QueryView, 'lagMs' | 'setLag'>;
  /** Changed in place. */
  rules: RegistryRules;
  telemetry: TelemetryLog;
  mqttServer: Pick<MqttServer, 'connected'>;
}

/**
 * The routes of the hub's control server, in addition to faults and requests:
 *
 * | request | |
 * |---|---|
 * | `GET /throttle` | limits and counts of the registry operations (see throttle.ts) |
 * | `PUT /throttle` | `{tier, units}`, `{unthrottled: true}`, or `{perMinute, burst, backlog, holdMs, waitSeconds}` |
 * | `GET /queries`, `PUT /queries` | limits and counts of the queries; `{lagMs}`: delay until queries show a change (at first 0) |
 * | `GET /registry`, `PUT /registry` | `{missing, unreadableMs}`: rules that the documentation leaves open (see `RegistryRules`) |
 * | `GET /telemetry?device=` | the latest telemetry of a device, or of all devices |
 * | `DELETE /telemetry` | clear the telemetry |
 * | `GET /connections` | the ids of the connected devices |
 */
export function controlRoutes(options: ControlRoutesOptions): Routes {
  const { throttle, queryThrottle, queryView, rules, telemetry, mqttServer } = options;
  const queries = () => ({ ...queryThrottle.state(), lagMs: queryView.lagMs() });
  return {
    'GET /throttle': () => throttle.state(),
    'PUT /throttle': ({ body }) => {
      const wanted = throttleBody.parse(body);
      if ('tier' in wanted) {
        throttle.set(registryLimits(wanted));
        queryThrottle.set(queryLimits(wanted));
      } else if ('unthrottled' in wanted) {
        throttle.set(unlimited);
        queryThrottle.set(unlimited);
      } else {
        throttle.set({ ...limits(wanted.perMinute), ...wanted });
      }
      return throttle.state();
    },
    'GET /queries': queries,
    'PUT /queries': ({ body }) => {
      queryView.setLag(lagBody.parse(body).lagMs);
      return queries();
    },
    'GET /registry': () => rules,
    'PUT /registry': ({ body }) => Object.assign(rules, usualRules, rulesBody.parse(body)),
    'GET /telemetry': ({ query }) => telemetry.of(query.get('device') ?? undefined),
    'DELETE /telemetry': () => telemetry.clear(),
    'GET /connections': () => mqttServer.connected(),
  };
}
