import type { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const colors: Record<string, Style> = {
  provisioned: 'green',
  failed: 'red',
  retrying: 'yellow',
  working: 'cyan',
  quarantined: 'magenta',
  done: 'green',
  halted: 'red',
  running: 'cyan',
  cancelling: 'yellow',
};

/** The color of a state; none for those that ask for no attention. */
export function colorOf(state: string): Style | undefined {
  return colors[state];
}
