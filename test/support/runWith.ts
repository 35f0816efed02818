import { createProgram } from '../../cli/createProgram.js';
import type { ExitCode } from '../../cli/errors.js';
import type { FleetApp, Session } from '../../cli/session/session.js';

/** What a command came to. */
export interface Outcome {
  code: ExitCode | undefined;
  text: string;
  json: Record<string, unknown>;
  /** Did it take Ctrl-C upon itself? */
  handlesInterrupt: boolean;
}

/**
 * Runs a command line of whole fleets in this process, to its end, with what it would work with.
 *
 * @param more what differs of the session
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
      outcome.text = text();
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
  const program = createProgram(true, async (_, work) => {
    outcome.code = await work(session);
  });
  await program.parseAsync(args, { from: 'user' });
  return outcome;
}
