import { z } from 'zod';
import type { Answer } from '../faults/asked.js';
import type { Registry } from './createRegistry.js';
import { HubError } from './hubError.js';
import { checkDeviceId, readIdentity } from './readIdentity.js';

/** Devices in one bulk call, at most. */
export const maxBulk = 100;

const modes = ['create', 'update', 'updateIfMatchETag', 'delete', 'deleteIfMatchETag'] as const;
type Mode = (typeof modes)[number];

const entries = z.array(
  z.looseObject({ id: z.string(), importMode: z.string(), etag: z.string().nullish() }),
);
type Entry = z.infer<typeof entries>[number];

/** @throws HubError 400 for an array that is none, is empty, is too long, or has a device twice */
export function readBulk(body: unknown): Entry[] {
  const parsed = entries.safeParse(body);
  if (!parsed.success)
    throw new HubError('ArgumentInvalid', 'BadRequest: send an array of devices with id and importMode');
  const { length } = parsed.data;
  if (length === 0 || length > maxBulk) {
    throw new HubError('ArgumentInvalid', `BadRequest: ${length} devices, allowed are 1 to ${maxBulk}`);
  }
  if (new Set(parsed.data.map(({ id }) => id)).size < length) {
    throw new HubError('DeviceDefinedMultipleTimes', 'BadRequest: a device is defined more than once');
  }
  return parsed.data;
}

/**
 * Does what is possible of a bulk call and names what was not: 200 when all of it happened, else 400. The documentation allows
 * 200 for a partial failure too; callers have to read `isSuccessful` and `errors` in either case.
 */
export function bulkOperation(registry: Registry, bulk: Entry[]): Answer {
  const errors: Array<{ deviceId: string; errorCode: string; errorStatus: string }> = [];
  registry.together(() => {
    for (const entry of bulk) {
      try {
        apply(registry, entry);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        errors.push({ deviceId: entry.id, errorCode: error.code, errorStatus: error.message });
      }
    }
  });
  const isSuccessful = errors.length === 0;
  return { status: isSuccessful ? 200 : 400, body: { isSuccessful, errors, warnings: [] } };
}

function apply(registry: Registry, { id, importMode, etag, ...rest }: Entry): void {
  const mode = modes.find((each) => each.toLowerCase() === importMode.toLowerCase());
  if (!mode) throw new HubError('ArgumentInvalid', `BadRequest: importMode ${importMode} is not supported`);
  const ifMatch = withEtag(mode) ? (etag ?? '') : '*';
  checkDeviceId(id);
  if (mode === 'create') registry.create(readIdentity({ ...rest, deviceId: id }, id));
  else if (mode.startsWith('update')) registry.update(readIdentity({ ...rest, deviceId: id }, id), ifMatch);
  else registry.delete(id, ifMatch);
}

const withEtag = (mode: Mode) => mode.endsWith('ETag');
