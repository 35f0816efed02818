import { z } from 'zod';

const form = 'must be a full balena device UUID: 32 or 62 hexadecimal digits';

/** A balena device's full UUID: 32 or 62 hexadecimal digits, compared and stored in lower case. */
export const uuid = z
  .string(form)
  .toLowerCase()
  .regex(/^(?:[0-9a-f]{32}|[0-9a-f]{62})$/, form);
