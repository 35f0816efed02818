import type { styleText } from 'node:util';

/** "1 device", "2 devices". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** "250 service-not-found, 3 device-not-found"; the first ones where there are many. */
export function counted(counts: Record<string, number>, most = 6): string {
  const all = Object.entries(counts);
  const shown = all.slice(0, most).map(([name, count]) => `${count} ${name}`);
  const others = all.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(others > 0 ? [`${others} others`] : [])].join(', ');
}

/** A text in lines of this width at most, each after the first with an indent; a word that is longer is not cut. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

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
