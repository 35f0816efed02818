import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, type StackOptions, startStack } from '../local/stack/startStack.js';

export interface QuietStack extends Stack {
  /** Deliveries that workers have ended. */
  deliveries(): number;
  /** Messages that workers have dead-lettered. */
  deadLetters(): number;
  /** The last lines that the processes printed, for when something went wrong. */
  tail(): string;
}

/** A fresh system for one measurement, that prints nothing: its lines are counted. */
export async function quietStack(options: Omit<StackOptions, 'folder' | 'onLine'>): Promise<QuietStack> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const last: string[] = [];
  let deliveries = 0;
  let deadLetters = 0;
  const stack = await startStack({
    ...options,
    folder,
    freePorts: true,
    onLine(name, line) {
      if (line.includes('worker: message ')) deliveries += 1;
      if (line.includes(': dead-lettered, ')) deadLetters += 1;
      if (last.push(`${name} ${line}`) > 40) last.shift();
    },
  });
  return {
    ...stack,
    deliveries: () => deliveries,
    deadLetters: () => deadLetters,
    tail: () => last.join('\n'),
    async close() {
      await stack.close();
      await rm(folder, { recursive: true });
    },
  };
}
