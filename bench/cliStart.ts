import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../local/stack/projectFolder.js';

/*
 * Measures the start of the CLI: the median of several runs, in wall time and in CPU time of the process. The CPU time says how long the start takes
 * on a quiet machine. Run: npm run bench:cli
 */

const runs = 7;
const main = join(projectFolder(), 'dist/cli/main.js');
const commands = ['--version', '--help', 'help dead-letters replay', 'list --help', 'completion bash'];

/** Prints the CPU time of a process at its end, on stderr. */
const meter =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();console.error("cpu",(user+system)/1e3)})';

function measure(command: string): { wallMs: number; cpuMs: number } {
  const begun = performance.now();
  const { stderr } = spawnSync(process.execPath, ['--import', meter, main, ...command.split(' ')], {
    encoding: 'utf8',
  });
  const wallMs = performance.now() - begun;
  return { wallMs, cpuMs: Number(/cpu ([\d.]+)/.exec(stderr)?.[1] ?? Number.NaN) };
}

const median = (values: number[]) =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

for (const command of commands) {
  const results = Array.from({ length: runs }, () => measure(command));
  const wall = median(results.map(({ wallMs }) => wallMs));
  const cpu = median(results.map(({ cpuMs }) => cpuMs));
  console.log(
    `${command.padEnd(26)} ${wall.toFixed(0).padStart(6)} ms wall ${cpu.toFixed(0).padStart(6)} ms CPU`,
  );
}
