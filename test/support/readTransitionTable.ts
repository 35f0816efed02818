import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Reads the table "States and transitions" of docs/protocol.md.
 *
 * @returns for each function the possible next states, by the state before
 */
export async function readTransitionTable(): Promise<Map<string, Map<string, string[]>>> {
  const page = await readFile(join(process.cwd(), 'docs/protocol.md'), 'utf8');
  const rows = page.matchAll(/^\| `(\w+)` +\| ([^|]*) \| ([^|]*) \| [^|]* \|$/gm);
  return new Map(
    [...rows].map(([, name = '', from = '', to = '']) => {
      const targets = (state: string) => statesIn(to).map((target) => (target === 'same' ? state : target));
      return [name, new Map(statesIn(from).map((state) => [state, targets(state)]))];
    }),
  );
}

function statesIn(cell: string): string[] {
  return cell.split(',').map((state) => state.trim());
}
