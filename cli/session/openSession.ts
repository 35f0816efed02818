import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { styleText } from 'node:util';
import type { OpsApp } from '../../src/openOpsApp.js';
import { jsonText, oneLine, printable, terminalText } from '../../src/shared/printable.js';
import { CliError, type ExitCode, exitCodes } from '../exitCodes.js';
import { wrap } from '../output/text.js';
import { findSystem, type System } from './findSystem.js';
import type { GlobalOptions, Session } from './session.js';

/** A session together with the functions to end the session. */
export interface OpenSession extends Session {
  /** True once the session has connected to a system of `npm start`. */
  isLocal(): boolean;
  /** Rejects with a CliError after Ctrl-C or SIGTERM. */
  interrupted: Promise<never>;
  close(): Promise<void>;
}

const stopSignals = ['SIGINT', 'SIGTERM'] as const;

/** Opens a session on the terminal and the signals of this process. Connections are opened on first use. */
export function openSession({ json = false, folder }: GlobalOptions): OpenSession {
  let system: System | undefined;
  let app: OpsApp | undefined;
  const interrupts = watchInterrupts();
  const atClose: (() => void)[] = [];

  const session: OpenSession = {
    json,
    width: process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
    interrupted: interrupts.interrupted,
    isLocal: () => system?.local ?? false,
    async system() {
      if (!system) {
        system = await findSystem(process.env, folder);
        if (system.trustedCertificates) trustCertificates(system.trustedCertificates);
        console.error(styleText('dim', oneLine(`System: ${system.name}.`), { stream: process.stderr }));
      }
      return system;
    },
    async app() {
      const { settings } = await session.system();
      // Imported here, because help and usage errors do not need these modules.
      const [{ readConfigFor }, { openOpsApp }] = await Promise.all([
        import('../../src/config/config.js'),
        import('../../src/openOpsApp.js'),
      ]);
      const config = readConfigFor(['queue', 'records'], settings);
      app ??= withSafeError(() => openOpsApp(config, () => {}));
      return app;
    },
    async fleetApp() {
      const { settings } = await session.system();
      const [{ readConfig }, { openApp }] = await Promise.all([
        import('../../src/config/config.js'),
        import('../../src/openApp.js'),
      ]);
      const config = readConfig(settings);
      const whole = withSafeError(() => openApp(config, [], () => {}));
      app = whole;
      return whole;
    },
    printResult: (value, text) => console.log(json ? jsonText(value) : terminalText(text(printable(value)))),
    info(line) {
      if (!json) console.error(terminalText(line));
    },
    requireConfirmable(yes) {
      if (yes || (!json && process.stdin.isTTY && process.stderr.isTTY)) return;
      throw new CliError(
        'not-confirmed',
        exitCodes.wrongUsage,
        'This command needs a confirmation, and there is no terminal for the question. Add --yes.',
      );
    },
    async confirm(question, yes) {
      if (yes) return true;
      session.requireConfirmable(yes);
      const text = `${wrap(`${oneLine(question)} Continue? [y/N]`, process.stderr.columns)} `;
      const { answer, close } = ask(text, interrupts.interrupt);
      session.onClose(close);
      return answer;
    },
    onInterrupt: interrupts.setEnding,
    interruptSignal: interrupts.signal,
    onClose: (run) => void atClose.push(run),
    async close() {
      interrupts.unwatch();
      for (const run of atClose) run();
      await app?.close();
    },
  };
  return session;
}

/** Turns Ctrl-C and SIGTERM into an abort signal or a rejection. */
function watchInterrupts() {
  let ending: { code: ExitCode; message: string } = { code: exitCodes.interrupted, message: 'Interrupted.' };
  let gentle: AbortController | undefined;
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  // Avoids an unhandled rejection if the command has already finished.
  interrupted.catch(() => {});
  const interrupt = () => {
    if (gentle && !gentle.signal.aborted) gentle.abort();
    else reject(new CliError('interrupted', ending.code, ending.message));
  };
  for (const signal of stopSignals) process.on(signal, interrupt);
  return {
    interrupted,
    interrupt,
    setEnding(next: typeof ending) {
      ending = next;
    },
    signal() {
      gentle ??= new AbortController();
      return gentle.signal;
    },
    unwatch() {
      for (const signal of stopSignals) process.off(signal, interrupt);
    },
  };
}

/** @throws CliError if a connection string cannot be read. The SDK's own error is dropped, because the text may quote the secret. */
function withSafeError<A>(open: () => A): A {
  try {
    return open();
  } catch {
    throw new CliError(
      'settings',
      exitCodes.wrongUsage,
      'A connection string cannot be read. Run provisioner doctor to see the name of the setting, and copy the string again.',
    );
  }
}

/** Asks a question. `close` gives the terminal back, also while the question is open. */
function ask(question: string, interrupt: () => void): { answer: Promise<boolean>; close: () => void } {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = new Promise<boolean>((resolve) => {
    terminal.on('SIGINT', () => {
      // The next line of the output begins at the left.
      process.stderr.write('\n');
      interrupt();
    });
    // Ctrl-D means no.
    terminal.on('close', () => resolve(false));
    terminal.question(question, (answer) => {
      resolve(/^y(es)?$/i.test(answer.trim()));
      terminal.close();
    });
  });
  return { answer, close: () => terminal.close() };
}

/** Adds trusted certificates to this process. Node reads NODE_EXTRA_CA_CERTS only at its start. @param pem one or more certificates */
function trustCertificates(pem: string): void {
  const added = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  setDefaultCACertificates([...getCACertificates('default'), ...added]);
}
