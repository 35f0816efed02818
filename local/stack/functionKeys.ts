import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Endpoints } from './Endpoints.js';

/**
 * The access keys of the local host: made at the first call, the same afterwards. One for each function that has callers of
 * its own, as in Azure: the key of a fleet can provision and not delete.
 *
 * @param file where they are kept, in the form that the host reads
 */
export async function functionKeys(file: string): Promise<Omit<Endpoints['functions'], 'url'>> {
  try {
    const { functions } = JSON.parse(await readFile(file, 'utf8'));
    return {
      provisionKey: functions.provision.default,
      deprovisionKey: functions.deprovision.default,
      opsKey: functions.ops.default,
    };
  } catch {
    const key = () => randomBytes(24).toString('base64url');
    const [provisionKey, deprovisionKey, opsKey] = [key(), key(), key()];
    const functions = {
      provision: { default: provisionKey },
      deprovision: { default: deprovisionKey },
      health: { default: opsKey },
      ops: { default: opsKey },
    };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify({ master: key(), host: { default: key() }, functions }), {
      mode: 0o600,
    });
    return { provisionKey, deprovisionKey, opsKey };
  }
}
