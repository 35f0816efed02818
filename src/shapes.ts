import { z } from 'zod';

/** What the schemas of answers have in common. They are the types of the code and of the OpenAPI description alike. */
export const time = z.iso.datetime().describe('ISO 8601, UTC');
export const count = z.int().nonnegative();

export const operation = z.enum(['provision', 'rotate', 'deprovision']);
export const step = z.enum(['validate', 'mint', 'register', 'store', 'remove']);
export const state = z.enum(['queued', 'working', 'retrying', 'provisioned', 'deprovisioned', 'failed']);
/** A service's name, or '' for the device level. */
export const service = z.string().describe("a service's name, or '' for the device level");
export const next = z.string().nullable().describe('the cursor of the next page; null on the last one');
