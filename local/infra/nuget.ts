import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of a package of NuGet, once it was fetched. @param id in lower case */
export function packageFolder(id: string, version: string): string {
  return join(process.env.NUGET_PACKAGES ?? join(homedir(), '.nuget/packages'), id, version);
}

/**
 * Restores the packages of a project file. The intermediate files of the restore go into a temporary folder, and not beside the project.
 *
 * @param dotnet the path of the program
 * @param properties of the project, such as `BicepPlatform=linux-x64`
 * @throws Error with the output of dotnet
 */
export async function restore(dotnet: string, project: string, ...properties: string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nuget-'));
  const options = [...properties, `BaseIntermediateOutputPath=${folder}/`].map((each) => `-p:${each}`);
  try {
    await run(dotnet, ['restore', project, ...options], { env: { ...process.env, DOTNET_NOLOGO: '1' } });
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string };
    throw new Error(`${project} cannot be restored from NuGet.\n${stdout.trim() || message}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The path of a program on the PATH; null if the PATH does not have the program. */
export async function onPath(program: string): Promise<string | null> {
  const name = process.platform === 'win32' ? `${program}.exe` : program;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder && (await isProgram(join(folder, name)))) return join(folder, name);
  }
  return null;
}

/** Whether a file can be run. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
