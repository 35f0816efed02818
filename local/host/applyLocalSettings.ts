import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const shape = z.object({
  IsEncrypted: z.literal(false, 'must be false: encrypted settings are not read here').optional(),
  Values: z.record(z.string(), z.string('must be a text: put it in quotes')).default({}),
});

/**
 * Puts the `Values` of the app's local.settings.json into the environment, except where a variable is already set, as the
 * Azure Functions Core Tools do. No file is fine.
 *
 * @throws Error naming the file and what is wrong with it
 */
export async function applyLocalSettings(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const file = join(folder, 'local.settings.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  for (const [name, value] of Object.entries(parse(file, text).Values)) env[name] ??= value;
}

function parse(file: string, text: string): z.infer<typeof shape> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.') || 'it'} ${message}`);
  throw new Error(`${file}: ${wrong.join('; ')}`);
}
