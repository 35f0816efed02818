import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onPath } from '../../../local/infra/nuget.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { traced } from './openedBy.js';

/** The programs whose calls are noted. */
const programs = ['openssl', 'curl', 'chmod', 'sync', 'mv'];

/** Calls that only read. A test ends the script after each other call. */
const reading =
  'openssl\\ x509* | openssl\\ pkey* | curl\\ *\\ GET\\ * | openssl\\ version | openssl\\ base64 | openssl\\ base64\\ -A';

/** A device whose storage, clock and programs belong to a test. */
export interface ScriptedDevice {
  uuid: string;
  apiKey: string;
  /** The volume of the script. */
  volume: string;
  /** The names and arguments of the programs that the script has called. */
  calls(): Promise<string>;
  /** The number of steps so far. */
  steps(): Promise<number>;
  /** Moves the clock of the script by this many seconds from the clock of this machine. */
  moveClock(seconds: number): Promise<void>;
  /** The certificate and the key in a file of the volume; null if the file is not there. */
  pair(name: 'device.pem' | 'next.pem'): Promise<Pair | null>;
  /**
   * @param env added to the settings of the script
   * @param trace the name of a file beside the volume, for the trace of strace; default: no trace
   */
  start(mode: 'run' | 'once' | 'bridge', env?: Record<string, string>, trace?: string): RunningScript;
  /** The trace of an earlier start. */
  readTrace(name: string): Promise<string>;
}

export interface Pair {
  pem: string;
  cert: string;
  key: string;
  thumbprint: string;
}

export interface RunningScript {
  output(): string;
  /** The exit code; null if a signal ended the script. */
  ended: Promise<number | null>;
  /** Ends the script and its child processes at once, as a power failure does. */
  kill(): void;
}

const devices = await mkdtemp(join(tmpdir(), 'devices-'));
const running = new Set<RunningScript>();

afterAll(async () => {
  for (const script of running) script.kill();
  await Promise.all([...running].map(({ ended }) => ended));
  await rm(devices, { recursive: true });
});

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Puts programs before the real ones: each notes its call. A call that changes something is a step, and the step with the number KILL_AFTER ends the whole process group. ANSWER_WITHIN is the longest wait of curl for an answer, in seconds.
 * `sleep` waits for a short time only, and `date` shows the clock of the test.
 */
async function writePrograms(bin: string, folder: string): Promise<void> {
  await mkdir(bin);
  const put = async (name: string, body: string) => {
    await writeFile(join(bin, name), `#!/bin/sh\n${body}`);
    await chmod(join(bin, name), 0o755);
  };
  const [calls, steps] = [quote(join(folder, 'calls')), quote(join(folder, 'steps'))];
  const real = async (name: string) => quote((await onPath(name)) ?? name);
  // The last of two equal options of curl counts.
  const shorter = ` \${ANSWER_WITHIN:+--max-time "$ANSWER_WITHIN"}`;
  for (const name of programs)
    await put(
      name,
      `${await real(name)} "$@"${name === 'curl' ? shorter : ''}\ncode=$?\nprintf '%s\\n' "${name} $*" >> ${calls}\n` +
        `case "${name} $*" in ${reading}) exit $code ;; esac\necho >> ${steps}\n` +
        `[ -z "\${KILL_AFTER:-}" ] || [ "$(wc -l < ${steps})" -lt "$KILL_AFTER" ] || kill -9 0\nexit $code\n`,
    );
  await put(
    'sleep',
    `printf '%s\\n' "$1" >> ${quote(join(folder, 'sleeps'))}\nexec ${await real('sleep')} 0.2\n`,
  );
  const date = await real('date');
  await put(
    'date',
    `case "$*" in *-d*) exec ${date} "$@" ;; esac\n` +
      `now=$(($(${date} +%s) + $(cat ${quote(join(folder, 'clock'))})))\nexec ${date} -u -d "@$now" "$@"\n`,
  );
}

/** @param provisionUrl with the key of the function */
export async function scriptedDevice(
  { uuid, apiKey }: { uuid: string; apiKey: string },
  provisionUrl: string,
): Promise<ScriptedDevice> {
  const folder = await mkdtemp(join(devices, 'device-'));
  const [volume, bin, clock] = ['azure', 'bin', 'clock'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writePrograms(bin, folder);
  await writeFile(clock, '0');
  for (const name of ['calls', 'steps']) await writeFile(join(folder, name), '');
  return {
    uuid,
    apiKey,
    volume,
    calls: () => readFile(join(folder, 'calls'), 'utf8'),
    steps: async () => (await readFile(join(folder, 'steps'), 'utf8')).length,
    moveClock: (seconds) => writeFile(clock, String(Math.ceil(seconds))),
    pair: async (name) => {
      const pem = await readFile(join(volume, name), 'utf8').catch(() => null);
      return pem === null ? null : readPair(pem);
    },
    readTrace: (name) => readFile(join(folder, name), 'utf8'),
    start: (mode, env = {}, trace) => {
      const settings = {
        PATH: [bin, process.env.PATH].join(delimiter),
        TMPDIR: folder,
        AZURE_DIR: volume,
        BALENA_DEVICE_UUID: uuid,
        BALENA_API_KEY: apiKey,
        PROVISION_URL: provisionUrl,
      };
      return startScript(mode, { ...settings, ...env }, trace && join(folder, trace));
    },
  };
}

function readPair(pem: string): Pair {
  const [cert = ''] = /-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n/s.exec(pem) ?? [];
  const thumbprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  return { pem, cert, key: pem.replace(cert, ''), thumbprint };
}

function startScript(mode: string, env: Record<string, string>, trace?: string): RunningScript {
  const command = ['/bin/sh', join(projectFolder(), 'device/own-key.sh'), mode];
  const [program = '', ...args] = trace === undefined ? command : [...traced(trace), ...command];
  // A process group of its own, so that the child processes end together with the script.
  const child = spawn(program, args, {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      output += part;
    });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const script: RunningScript = {
    output: () => output,
    ended: ended.finally(() => running.delete(script)),
    kill() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      process.kill(-child.pid, 'SIGKILL');
    },
  };
  running.add(script);
  return script;
}
