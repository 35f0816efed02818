import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { styleText } from 'node:util';
import type { OpsApp } from '../../src/openOpsApp.js';
import { CliError, type ExitCode, exitCodes } from '../errors.js';
import { wrap } from '../output/text.js';
import { findSystem, type System } from './findSystem.js';
import type { GlobalOptions, Session } from './session.js';

/** A session, and what ends it. */
export interface OpenSession extends Session {
  /** Is the system that of npm start, as far as is known? */
  isLocal(): boolean;
  /** Rejects when Ctrl-C was pressed, or the process is told to end. */
  stopped: Promise<never>;
  close(): Promise<void>;
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const;

export function openSession({ json = false, folder }: GlobalOptions): OpenSession {
  let system: System | undefined;
  let app: OpsApp | undefined;
  let ending: { code: ExitCode; say: string } = { code: exitCodes.interrupted, say: 'Interrupted.' };
  const atEnd: (() => void)[] = [];
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  // Where a command ends before, nobody waits for it.
  stopped.catch(() => {});
  let gentle: AbortController | undefined;
  const stop = () => {
    if (gentle && !gentle.signal.aborted) gentle.abort();
    else reject(new CliError('interrupted', ending.code, ending.say));
  };
  for (const signal of stopSignals) process.on(signal, stop);

  const session: OpenSession = {
    json,
    width: process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
    stopped,
    isLocal: () => system?.local ?? false,
    async system() {
      if (!system) {
        system = await findSystem(process.env, folder);
        if (system.trusted) trustAlso(system.trusted);
        console.error(styleText('dim', `This is ${system.name}.`, { stream: process.stderr }));
      }
      return system;
    },
    async app() {
      const { settings } = await session.system();
      // Loaded only now: help and wrong usage need none of it.
      const [{ readConfigFor }, { openOpsApp }] = await Promise.all([
        import('../../src/config/config.js'),
        import('../../src/openOpsApp.js'),
      ]);
      const config = readConfigFor(['queue', 'records'], settings);
      app ??= opened(() => openOpsApp(config, () => {}));
      return app;
    },
    async fleetApp() {
      const { settings } = await session.system();
      const [{ readConfig }, { openApp }] = await Promise.all([
        import('../../src/config/config.js'),
        import('../../src/openApp.js'),
      ]);
      const config = readConfig(settings);
      const whole = opened(() => openApp(config, [], () => {}));
      app = whole;
      return whole;
    },
    answer: (value, text) => console.log(json ? JSON.stringify(value) : text()),
    tell(line) {
      if (!json) console.error(line);
    },
    expectAnswer(yes) {
      if (yes || (!json && process.stdin.isTTY && process.stderr.isTTY)) return;
      throw new CliError(
        'not-confirmed',
        exitCodes.wrongUsage,
        'This asks before it does anything, and nobody can be asked here: add --yes.',
      );
    },
    async confirm(what, yes) {
      if (yes) return true;
      session.expectAnswer(yes);
      return ask(`${wrap(`${what} Go on? [y/N]`, process.stderr.columns)} `, stop);
    },
    whenStopped(then) {
      ending = then;
    },
    stopGently() {
      gentle ??= new AbortController();
      return gentle.signal;
    },
    atEnd: (run) => void atEnd.push(run),
    async close() {
      for (const signal of stopSignals) process.off(signal, stop);
      for (const run of atEnd) run();
      await app?.close();
    },
  };
  return session;
}

/** @throws CliError if a connection string cannot be read: what the SDKs say about one may quote it */
function opened<A>(open: () => A): A {
  try {
    return open();
  } catch {
    throw new CliError(
      'settings',
      exitCodes.wrongUsage,
      'A connection string cannot be read: provisioner doctor says which. Copy it anew.',
    );
  }
}

function ask(question: string, stop: () => void): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.on('SIGINT', stop);
    // Ctrl-D, and no is meant.
    terminal.on('close', () => resolve(false));
    terminal.question(question, (answer) => {
      resolve(/^y(es)?$/i.test(answer.trim()));
      terminal.close();
    });
  });
}

/** Has this process trust further certificates: NODE_EXTRA_CA_CERTS is read at its start only. @param pem one or more */
export function trustAlso(pem: string): void {
  setDefaultCACertificates([...getCACertificates('default'), ...certificates(pem)]);
}

function certificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
