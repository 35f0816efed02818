import type { SystemState, SystemStatus } from './statusSchema.js';

/** The state in a word. */
export const stateWords: Record<SystemState, string> = {
  stopped: 'Stopped',
  throttled: 'Throttled',
  attention: 'Needs attention',
  'catching-up': 'Catching up',
  healthy: 'Healthy',
};

/** The parts of the status line. A part without content is an empty text. */
export interface StatusParts {
  word: string;
  /** What is the matter, and since when. */
  what: string;
  /** The backlog, and its end. */
  backlog: string;
  /** The next step of the operator. */
  todo: string;
  /** The section of the runbook. */
  runbook: string;
  /** The number of further incidents. */
  more: string;
}

/** A time as the reader sees it, from ISO 8601. */
export type ShowTime = (at: string) => string;

/** The part of a status that its text shows. */
type Shown = Omit<SystemStatus, 'sentence'>;

/** The status line in parts. */
export function statusParts({ state, incidents, backlog }: Shown, show: ShowTime): StatusParts {
  const [worst, ...others] = incidents;
  const since = worst?.since ? ` Since ${show(worst.since)}.` : '';
  return {
    word: stateWords[state],
    what: worst ? `${worst.what}${since}` : '',
    backlog: backlogText(state, backlog, show),
    todo: worst?.todo ?? '',
    runbook: worst?.runbook ?? '',
    more: others.length === 0 ? '' : `${others.length} more: ${others.map(({ what }) => what).join(' ')}`,
  };
}

/** The status line as one text: "Stopped: balena rejects our API key. Since …". */
export function statusSentence(status: Shown, show: ShowTime): string {
  const { word, what, backlog, todo, runbook, more } = statusParts(status, show);
  const parts = [what, backlog, todo && `To do: ${todo} See docs/runbook.md#${runbook}.`, more];
  return `${word}: ${parts.filter(Boolean).join(' ')}`;
}

function backlogText(
  state: SystemState,
  { waiting, finishedPerMinute, doneAt }: SystemStatus['backlog'],
  show: ShowTime,
): string {
  if (waiting === null) return state === 'healthy' ? 'All parts of the system answer.' : '';
  if (waiting === 0) return 'No device waits.';
  const wait = waiting === 1 ? '1 device waits' : `${waiting} devices wait`;
  if (state === 'stopped') return `${wait}, and nothing is finished until the cause is gone.`;
  if (doneAt === null || finishedPerMinute === null)
    return `${wait}. Too few devices were finished in the last minutes to know the end.`;
  return `${wait}. The end is about ${show(doneAt)}, at the measured rate of ${finishedPerMinute} ${finishedPerMinute === 1 ? 'device' : 'devices'} a minute.`;
}
