import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import type { FakeAzure } from './useFakeAzure.js';

/** A shell that azd runs a hook with: the program with its first arguments, and the kind of hook in azure.yaml. */
export interface HookShell {
  platform: 'posix' | 'windows';
  command: string[];
}

type Hooks = Record<string, Record<HookShell['platform'], { shell: string; run: string }>>;

/**
 * The hooks of azure.yaml, as azd reads them.
 *
 * @returns by name, those of the service, too
 */
export async function readHooks(): Promise<Hooks> {
  const text = await readFile(join(projectFolder(), 'azure.yaml'), 'utf8');
  const azure = parse(text) as { hooks: Hooks; services: { functions: { hooks: Hooks } } };
  return { ...azure.hooks, ...azure.services.functions.hooks };
}

/** The script that azd makes of an inline hook (azure-dev, cli/azd/pkg/ext/models.go, createTempScript). */
function scriptOf(command: string, platform: HookShell['platform']): string {
  const note = '# Auto generated file from Azure Developer CLI';
  if (platform === 'posix') return `#!/bin/sh\nset -e\n\n${note}\n${command}\n`;
  return `$ErrorActionPreference = 'Stop'\n\n${note}\n${command}\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }\n`;
}

/**
 * Runs a hook as azd does: a temporary script, in the project's folder, with the azd environment as variables.
 *
 * @param env the azd environment
 * @param path folders for the PATH, instead of those of the fake and of the shell
 */
export async function runHook(
  fake: FakeAzure,
  name: string,
  env: Record<string, string>,
  shell: HookShell = { platform: 'posix', command: ['sh'] },
  path = `${fake.bin}:/usr/bin:/bin`,
): Promise<{ code: number; output: string }> {
  const { [name]: hook } = await readHooks();
  const folder = await mkdtemp(join(tmpdir(), 'azd-hook-'));
  const file = join(folder, shell.platform === 'posix' ? 'hook.sh' : 'hook.ps1');
  await writeFile(file, scriptOf(hook![shell.platform].run, shell.platform));
  try {
    const [program = '', ...args] = shell.command;
    const child = spawn(program, [...args, file], {
      cwd: projectFolder(),
      env: { HOME: folder, DOTNET_NOLOGO: '1', HOOK_RETRY_SECONDS: '0.01', ...env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)));
    return { code, output };
  } finally {
    await rm(folder, { recursive: true });
  }
}
