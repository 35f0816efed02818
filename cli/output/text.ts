import { styleText } from 'node:util';

/** A count with its noun: "1 device", "2 devices". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A list of counts: "250 service-not-found, 3 device-not-found". Counts after the first `most` are added up as "others". */
export function listCounts(counts: Record<string, number>, most = 6): string {
  const all = Object.entries(counts);
  const shown = all.slice(0, most).map(([name, count]) => `${count} ${name}`);
  const rest = all.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(rest > 0 ? [`${rest} others`] : [])].join(', ');
}

/** The place of a device's credentials: a service, the device level, or the device itself with an own key. */
export function placeText({ service, key }: { service: string | null; key: string | null }): string {
  if (key === 'device') return '(own key)';
  return service === '' ? '(device)' : (service ?? '');
}

/** Breaks a text into lines of at most `width` characters. A longer word is not broken. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/** A line of a description: a dim label in a column of `labelWidth` characters, then the text, wrapped to `width`. */
export function labelled(
  label: string,
  text: string,
  { labelWidth, width }: { labelWidth: number; width: number },
): string {
  const indent = ' '.repeat(labelWidth);
  const wrapped = wrap(text, width - labelWidth).replaceAll('\n', `\n${indent}`);
  return styleText('dim', label.padEnd(labelWidth)) + wrapped;
}

type Style = Parameters<typeof styleText>[0];

const colors: Record<string, Style> = {
  provisioned: 'green',
  failed: 'red',
  outside: 'yellow',
  retrying: 'yellow',
  working: 'cyan',
  quarantined: 'magenta',
  done: 'green',
  halted: 'red',
  running: 'cyan',
  cancelling: 'yellow',
};

/** The color of a device's or an action's state; undefined for states without a color. */
export function colorOf(state: string): Style | undefined {
  return colors[state];
}
