import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ConfigError } from './check.js';

const shape = z.object({
  IsEncrypted: z.literal(false, 'must be false: encrypted settings are not supported').optional(),
  Values: z.record(z.string(), z.string('must be a text: put it in quotes')).default({}),
});

/**
 * Puts the `Values` of the app's local.settings.json into the environment, like the Azure Functions Core Tools. Existing variables keep
 * their values. A missing file is no error.
 *
 * @throws ConfigError with the faults of the file, without any of its text, because the file holds keys
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
    // Editors on Windows may write a byte order mark.
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    // The parser's message quotes text of the file and must not be shown.
    throw new ConfigError([`${file} is not JSON`]);
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => `${file}: ${path.join('.') || 'the file'} ${message}`),
  );
}
