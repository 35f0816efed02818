import * as z from 'zod';
import { errorCodes } from './errorPolicy.js';

/* Parts that the schemas of several answers share. The code's types and the OpenAPI description are both derived from the schemas. */

export const time = z.iso.datetime().describe('ISO 8601, UTC');
export const count = z.int().nonnegative();

export const operation = z.enum(['provision', 'rotate', 'deprovision']);
export const step = z.enum(['validate', 'mint', 'sign', 'register', 'store', 'remove']);
export const state = z.enum([
  'queued',
  'working',
  'retrying',
  'provisioned',
  'deprovisioned',
  'outside',
  'failed',
]);
/** The code of a failure. docs/errors.md lists the meaning of each code. */
export const errorCode = z
  .enum(errorCodes)
  .meta({ id: 'ErrorCode', description: 'the code of a failure: stable, for programs' });
/** The names that balena accepts for the services of a release; '' for the device level. */
const servicePattern = /^[A-Za-z0-9._-]{0,255}$/;
const serviceForm =
  'must be the name of a service: at most 255 letters, digits, ".", "_" and "-"; "" for the device level';

/** The name of a service as a caller sends the name, or '' for the device level. balena compares names with upper and lower case. */
export const serviceName = z.string(serviceForm).regex(servicePattern, serviceForm);

/** The kind of a device's key. */
export const keyKind = z
  .enum(['device', 'issued'])
  .describe('device: the device made its key; issued: the key is in the variables of the device');

/** A service's name, or '' for the device level. */
export const service = z.string().describe("a service's name, or '' for the device level");
export const next = z.string().nullable().describe('the cursor of the next page; null on the last one');

/** Makes a field optional. A null counts as absent. */
export const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);

/** The slug of a fleet. balena's own tools write slugs in lower case, too. */
export const slug = z.string().max(255).toLowerCase().describe("a fleet's slug");

const form = 'must be a full balena device UUID: 32 or 62 hexadecimal digits';

/** A balena device's full UUID: 32 or 62 hexadecimal digits, compared and stored in lower case. */
export const uuid = z
  .string(form)
  .toLowerCase()
  .regex(/^(?:[0-9a-f]{32}|[0-9a-f]{62})$/, form);

/** A balena device's full UUID, or the first digits. balena's dashboard shows 7 digits. */
export const uuidOrDigits = z
  .string()
  .toLowerCase()
  .regex(
    /^[0-9a-f]{7,62}$/,
    "must be a device's UUID (32 or 62 hexadecimal digits), or at least the first 7 digits",
  );
