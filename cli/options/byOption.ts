import { hostname, userInfo } from 'node:os';
import { Option } from 'commander';

/** Who does it, for the audit. */
export function byOption(): Option {
  return new Option('--by <name>', 'who does it, for the audit').default(whoAmI());
}

function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100);
  } catch {
    // A container may run under an id without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`.slice(0, 100);
  }
}
