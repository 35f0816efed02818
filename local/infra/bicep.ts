import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../stack/projectFolder.js';
import { isProgram, onPath, packageFolder, restore } from './nuget.js';

const run = promisify(execFile);

/** The output of a command, and whether the command succeeded. */
export interface Output {
  succeeded: boolean;
  stdout: string;
  stderr: string;
}

/**
 * Finds the Bicep compiler in the version of bicep.csproj: the program `bicep` on the PATH, or the package of NuGet, which `dotnet`
 * fetches if the package is missing (124 MB, once for each user of the machine).
 *
 * @returns the path of the program; null if the machine has neither this version of `bicep` nor `dotnet`
 * @throws Error if `dotnet` is there and cannot fetch the package
 */
export async function findBicep(): Promise<string | null> {
  const project = join(projectFolder(), 'local/infra/bicep.csproj');
  const [, version = ''] = /Version="\[(.+)\]"/.exec(await readFile(project, 'utf8')) ?? [];
  const installed = await onPath('bicep');
  if (installed && (await runBicep(installed, '--version')).stdout.includes(` ${version} `)) return installed;

  const platform = `${{ win32: 'win', darwin: 'osx' }[process.platform as string] ?? 'linux'}-${process.arch}`;
  const folder = join(packageFolder(`azure.bicep.commandline.${platform}`, version), 'tools');
  const program = join(folder, process.platform === 'win32' ? 'bicep.exe' : 'bicep');
  if (await isProgram(program)) return program;
  const dotnet = await onPath('dotnet');
  if (!dotnet) return null;
  await restore(dotnet, project, `BicepPlatform=${platform}`);
  return program;
}

/**
 * Runs the compiler.
 *
 * @param program the path from `findBicep`
 * @param args a command of the compiler with its options; paths are relative to the project's folder
 */
export async function runBicep(program: string, ...args: string[]): Promise<Output> {
  const options = { cwd: projectFolder(), maxBuffer: 64 * 1024 * 1024 };
  try {
    return { succeeded: true, ...(await run(program, args, options)) };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & Partial<Output>;
    return { succeeded: false, stdout, stderr: stderr || message };
  }
}
