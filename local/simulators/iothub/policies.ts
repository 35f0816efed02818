import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** What a shared access policy permits in the registry; writing includes reading, as in the hub. */
export type RegistryRight = 'read' | 'write';

/** A shared access policy of the hub. */
export interface Policy {
  name: string;
  right: RegistryRight;
  /** base64 of 32 bytes */
  key: string;
}

/** The policies of a new hub that concern its registry. */
const rights: Record<string, RegistryRight> = {
  iothubowner: 'write',
  registryReadWrite: 'write',
  registryRead: 'read',
};

const keysByPolicy = z.record(z.string(), z.string().min(1));

/**
 * The hub's shared access policies. Their keys are made at the first start and kept in the folder, so that connection strings
 * stay valid.
 *
 * @param folder undefined: new keys each time
 */
export async function loadPolicies(folder: string | undefined): Promise<Policy[]> {
  const known = folder ? await readKeys(join(folder, 'policies.json')) : {};
  const policies = Object.entries(rights).map(([name, right]) => ({
    name,
    right,
    key: known[name] ?? randomBytes(32).toString('base64'),
  }));
  if (folder && policies.some(({ name }) => !known[name])) await writeKeys(folder, policies);
  return policies;
}

async function readKeys(file: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  return keysByPolicy.parse(JSON.parse(text));
}

/** Never half a file, should the process be killed here. */
async function writeKeys(folder: string, policies: Policy[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'policies.json');
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(Object.fromEntries(policies.map(({ name, key }) => [name, key]))));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
