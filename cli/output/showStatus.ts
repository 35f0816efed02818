import { styleText } from 'node:util';
import type { SystemState, SystemStatus } from '../../src/health/statusSchema.js';
import { statusParts } from '../../src/health/statusText.js';
import { utcAndLocal } from '../../src/shared/localTime.js';
import { wrap } from './text.js';

type Style = Parameters<typeof styleText>[0];

const looks: Record<SystemState, { mark: string; color: Style }> = {
  stopped: { mark: '✗', color: 'red' },
  throttled: { mark: '▼', color: 'yellow' },
  attention: { mark: '!', color: 'yellow' },
  'catching-up': { mark: '↻', color: 'cyan' },
  healthy: { mark: '✓', color: 'green' },
};

const indent = '  ';

/**
 * The state of the whole system for the terminal: a line with the cause, then the next step. All commands show the same text.
 *
 * @param width the longest line, in characters
 */
export function showStatus(status: SystemStatus, width: number): string {
  const { word, what, backlog, todo, runbook, more } = statusParts(status, utcAndLocal);
  const { mark, color } = looks[status.state];
  const first = `${mark} ${word}. ${[what, backlog].filter(Boolean).join(' ')}`;
  const rest = [todo && `To do: ${todo} See docs/runbook.md#${runbook}.`, more].filter(Boolean);
  const lines = [first, ...rest].map((line, index) => {
    const text = wrap(line, width - indent.length).replaceAll('\n', `\n${indent}`);
    return index === 0 ? text : `${indent}${text}`;
  });
  return styleText(color, lines.join('\n'));
}
