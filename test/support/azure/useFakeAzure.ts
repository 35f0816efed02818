import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { FakeArm } from './fakeArm.js';

/** A call of a program, with the environment that the program has got. */
export interface Call {
  program: string;
  args: string[];
  env: Record<string, string>;
}

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

const fine = (stdout = ''): Answer => ({ code: 0, stdout, stderr: '' });
const failed = (stderr: string, code = 1): Answer => ({ code, stdout: '', stderr });
/** The words that az prints for a status. */
const words = {
  200: '',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
/** az prints notes before an error. */
const azNote = 'WARNING: This command is from the following extension: account.\n';
const azError = (text: string, code = 1) => failed(`${azNote}ERROR: ${text}\n`, code);

/** What az prints to `az rest` although `az account show` has found an account. */
export const azFailures = {
  expired: azError(
    'AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-08-01 and was inactive for 90.00:00:00. Trace ID: 0 Timestamp: 2026-11-26 20:00:00Z\nInteractive authentication is needed. Please run:\naz login',
  ),
  otherTenant: azError(
    `Unauthorized({"error":{"code":"InvalidAuthenticationTokenTenant","message":"The access token is from the wrong issuer 'https://sts.windows.net/a/'."}})`,
  ),
  offline: azError(
    'The command failed with an unexpected error. Here is the traceback:\nERROR: HTTPSConnectionPool(host=\'management.azure.com\', port=443): Max retries exceeded with url: /subscriptions/sub (Caused by NameResolutionError("Failed to resolve \'management.azure.com\' ([Errno -2] Name or service not known)"))\nTraceback (most recent call last):\n  File "urllib3/connection.py", line 198, in _new_conn',
  ),
};

/** The programs az, azd and npm, and the Azure behind them. Every test starts with a new state. */
export class FakeAzure {
  arm = new FakeArm();
  calls: Call[] = [];
  /** The values that a hook has set with `azd env set`. */
  azdEnv: Record<string, string> = {};
  signedIn = true;
  /** What `az rest` prints in the place of an answer. */
  restFails: keyof typeof azFailures | null = null;
  npmFails = false;
  url = '';
  /** A folder for the PATH with the programs. */
  bin = '';

  reset(): void {
    Object.assign(this, { arm: new FakeArm(), calls: [], azdEnv: {}, signedIn: true, npmFails: false });
    this.restFails = null;
  }

  answer(call: Call): Answer {
    this.calls.push(call);
    const line = [call.program, ...call.args].join(' ');
    if (call.program === 'npm') return this.npmFails ? failed('npm error\n') : fine();
    if (/^azd env set \w+ /.test(line) && call.args.length === 4) {
      this.azdEnv[call.args[2]!] = call.args[3]!;
      return fine();
    }
    if (!this.signedIn) return azError("Please run 'az login' to setup account.");
    if (/^az account show (--subscription \S+ )?--output json$/.test(line)) return fine('{}\n');
    const [, method, path] = /^az rest --method (\w+) --url (\S+) --output json$/.exec(line) ?? [];
    if (!method || !path) return failed(`ERROR: '${line}' is misspelled or not recognized.\n`, 2);
    if (this.restFails) return azFailures[this.restFails];
    const { status, body } = this.arm.request(method, path);
    if (status === 200) return fine(body === null ? '' : `${JSON.stringify(body)}\n`);
    return azError(`${words[status]}(${JSON.stringify(body)})`);
  }
}

/** Starts the fake for one test file. */
export async function useFakeAzure(): Promise<FakeAzure> {
  const fake = new FakeAzure();
  const server = createServer(async (request, response) => {
    if (request.url === '/api/health') {
      const { status, body } = fake.arm.health(request.headers['x-functions-key']?.toString());
      response.writeHead(status).end(body);
      return;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    response.end(JSON.stringify(fake.answer(JSON.parse(text) as Call)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fake.bin = await mkdtemp(join(tmpdir(), 'fake-azure-'));
  const program = join(projectFolder(), 'test/support/azure/program.js');
  for (const name of ['az', 'azd', 'npm']) {
    const file = join(fake.bin, name);
    // A hook drops most of its environment, so the address is part of the program.
    const lines = [
      '#!/bin/sh',
      `FAKE_AZURE_URL=${fake.url} exec '${process.execPath}' '${program}' ${name} "$@"`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    await chmod(file, 0o755);
  }
  await symlink(process.execPath, join(fake.bin, 'node'));
  beforeEach(() => fake.reset());
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(fake.bin, { recursive: true });
  });
  return fake;
}
