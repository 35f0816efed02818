import { readFileSync } from 'node:fs';

/** The signals that ask a process to stop. A closed terminal sends SIGHUP. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How often a process looks whether npm still runs, ms. */
const npmCheckMs = 500;

/**
 * Calls `stop` for each signal that asks this process to stop.
 *
 * Under npm, the end of npm or of npm's shell counts as SIGTERM: npm forwards SIGTERM to its shell only, the shell ends without a word to
 * this process, and a killed npm forwards nothing. (A shell that gets SIGINT alone does not end. Ctrl-C also reaches this process.) Without npm, the parent may end on purpose, like a shell that has started this
 * process in the background.
 */
export function onStop(stop: (signal: NodeJS.Signals) => void): void {
  for (const signal of signals) process.on(signal, stop);
  if (process.env.npm_lifecycle_event === undefined) return;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    stop('SIGTERM');
  }, npmCheckMs);
  timer.unref();
}

/**
 * The ids of the processes up to npm, as a text to compare: the parent, and the parent of the parent if the parent is npm's shell. Only
 * Linux tells the second one.
 */
function ancestors(): string {
  const parent = process.ppid;
  try {
    // Process id, name in parentheses, state, parent.
    const [, name = '', grandparent] =
      /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${parent}/stat`, 'utf8')) ?? [];
    return /^(\w*sh|busybox)$/.test(name) ? `${parent} ${grandparent}` : `${parent}`;
  } catch {
    return `${parent}`;
  }
}
