import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../stack/projectFolder.js';
import { onPath, packageFolder, restore } from './nuget.js';

/**
 * Finds PowerShell: the program `pwsh` on the PATH, or the package of NuGet in the version of powershell.csproj, which `dotnet` fetches if the
 * package is missing (160 MB, once for each user of the machine). The package needs .NET 10.
 *
 * @returns the command that runs a script: the program with its first arguments; null if the machine has neither `pwsh` nor .NET 10
 * @throws Error if `dotnet` is there and cannot fetch the package
 */
export async function findPowerShell(): Promise<string[] | null> {
  const installed = await onPath('pwsh');
  if (installed) return [installed];
  const dotnet = await onPath('dotnet');
  if (!dotnet) return null;
  const project = join(projectFolder(), 'local/infra/powershell.csproj');
  const [, version = ''] = /Version="\[(.+)\]"/.exec(await readFile(project, 'utf8')) ?? [];
  const main = join(packageFolder('powershell', version), 'tools/net10.0/any/unix/pwsh.dll');
  if (!(await isFile(main))) await restore(dotnet, project);
  return (await starts(dotnet, main)) ? [dotnet, main] : null;
}

async function isFile(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whether this .NET runs the package. */
async function starts(dotnet: string, main: string): Promise<boolean> {
  return promisify(execFile)(dotnet, [main, '--version']).then(
    () => true,
    () => false,
  );
}
