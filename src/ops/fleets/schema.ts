import * as z from 'zod';
import { count, state, time } from '../../shared/schemas.js';

/** The devices of a fleet with a record, counted. */
export const fleetProgress = z
  .object({
    fleet: z.string().nullable().describe('null: devices whose fleet is not known yet'),
    devices: count,
    states: z.partialRecord(state, count).describe('devices by state'),
    done: count.describe('devices in their desired state: provisioned or deprovisioned'),
    pending: count.describe('devices with pending work: queued, working or retrying'),
    failed: count,
    checksFailed: count.describe('devices whose last check failed'),
    expiring: count.describe('certificates that are expired, or expire within 30 days'),
    lastDoneAt: time.nullable().describe('when the last device reached its desired state'),
  })
  .meta({ id: 'FleetProgress' });

export type FleetProgress = z.infer<typeof fleetProgress>;

export const fleetList = z
  .object({
    fleets: z.array(fleetProgress).describe('the fleet with the most pending and failed devices first'),
    asOf: time,
  })
  .meta({ id: 'FleetList' });

export type FleetList = z.infer<typeof fleetList>;
