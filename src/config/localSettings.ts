import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.js';

const shape = z.object({
  IsEncrypted: z.literal(false, 'must be false: encrypted settings are not read here').optional(),
  Values: z.record(z.string(), z.string('must be a text: put it in quotes')).default({}),
});

/**
 * Puts the `Values` of the app's local.settings.json into the environment, except where a variable is already set, as the
 * Azure Functions Core Tools do. No file is fine.
 *
 * @throws ConfigError saying what is wrong with the file, without any of it: it holds keys
 */
export async function applyLocalSettings(
  folder: string,
  env: Record<string, string | undefined>,
): Promise<void> {
  const file = join(folder, 'local.settings.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new ConfigError([`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`]);
  }
  for (const [name, value] of Object.entries(parse(file, text).Values)) env[name] ??= value;
}

function parse(file: string, text: string): z.infer<typeof shape> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // What the parser says quotes the text around the mistake.
    throw new ConfigError([`${file} is not JSON`]);
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => `${file}: ${path.join('.') || 'it'} ${message}`),
  );
}
