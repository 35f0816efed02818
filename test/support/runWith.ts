import type { RunInSession } from '../../cli/commands/command.js';
import { createProgram } from '../../cli/createProgram.js';
import type { ExitCode } from '../../cli/exitCodes.js';
import type { FleetApp, Session } from '../../cli/session/session.js';
import { printable } from '../../src/shared/printable.js';

/** The result of a command. */
export interface Outcome {
  code: ExitCode | undefined;
  text: string;
  json: Record<string, unknown>;
  /** True if the command asked for an interrupt signal, to finish cleanly after Ctrl-C. */
  handlesInterrupt: boolean;
}

/**
 * Runs a command line in this process, with the given app instead of real connections.
 *
 * @param more members of the session to replace
 */
export async function runWith(app: object, args: string[], more: Partial<Session> = {}): Promise<Outcome> {
  const outcome: Outcome = { code: undefined, text: '', json: {}, handlesInterrupt: false };
  const session: Session = {
    json: true,
    width: Number.POSITIVE_INFINITY,
    system: async () => ({ name: 'a test', settings: {}, local: false, trustedCertificates: null }),
    app: async () => app as FleetApp,
    fleetApp: async () => app as FleetApp,
    printResult(value, text) {
      outcome.json = JSON.parse(JSON.stringify(value));
      outcome.text = text(printable(value));
    },
    info: () => {},
    requireConfirmable: () => {},
    confirm: async () => true,
    onInterrupt: () => {},
    interruptSignal() {
      outcome.handlesInterrupt = true;
      return new AbortController().signal;
    },
    onClose: () => {},
    ...more,
  };
  const runInSession: RunInSession = async (_, work) => {
    outcome.code = await work(session);
  };
  const program = await createProgram({ json: true, runInSession, args });
  await program.parseAsync(args, { from: 'user' });
  return outcome;
}
