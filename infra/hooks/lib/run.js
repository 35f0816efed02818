// @ts-check
import { spawn } from 'node:child_process';

/**
 * The result of a program.
 *
 * @typedef {object} Result
 * @property {number} code the exit code; 127 if the machine does not have the program, 124 if the program was stopped after `limitMs`
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program and waits for its end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, shows?: boolean, limitMs?: number }} [options] `shows`: the operator sees the output, and the result has
 *   none. `limitMs`: the longest duration; default: no limit
 * @returns {Promise<Result>}
 */
export function run(program, args, { env = process.env, shows = false, limitMs } = {}) {
  const shell = needsShell(process.platform, program);
  const child = spawn(program, shell ? args.map(quoteForCmd) : args, {
    env,
    shell,
    stdio: ['ignore', shows ? 'inherit' : 'pipe', shows ? 'inherit' : 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let isStopped = false;
  const limit =
    limitMs &&
    setTimeout(() => {
      isStopped = true;
      child.kill('SIGKILL');
    }, limitMs);
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    const end = (/** @type {Result} */ result) => {
      clearTimeout(limit);
      resolve(result);
    };
    child.on('error', (error) => end({ code: 127, stdout, stderr: error.message }));
    child.on('exit', () => {
      if (!isStopped) return;
      // A program that the stopped one has started may hold the pipes open, and the hook would not end.
      child.stdout?.destroy();
      child.stderr?.destroy();
      end({ code: 124, stdout, stderr });
    });
    child.on('close', (code) => end({ code: code ?? 1, stdout, stderr }));
  });
}

/**
 * Whether only a shell starts the program. On Windows az and npm are batch files. A program with its path is none of these, and a shell would
 * end its name at the first blank (C:\Program Files\nodejs\node.exe).
 *
 * @param {string} platform
 * @param {string} program
 */
export const needsShell = (platform, program) => platform === 'win32' && !/[\\/]/.test(program);

/**
 * Quotes an argument for cmd.exe. The hooks pass no argument with a double quote or a percent sign.
 *
 * @param {string} text
 */
export function quoteForCmd(text) {
  if (/["%\r\n]/.test(text)) throw new Error('This argument cannot be passed on Windows.');
  return `"${text}"`;
}
