import cliProgress from 'cli-progress';
import type { Session } from '../session/session.js';

export interface Progress {
  done: number;
  total: number;
  /** What has come of it so far, in words. */
  words: string;
}

/** In a log: no more often than this. */
const linesEveryMs = 2_000;

/**
 * Shows how far something is: a bar in a terminal; in a log, a line now and then when something has changed; nothing with --json.
 *
 * @returns to be called with each news; without any, it is over
 */
export function showProgress(session: Session): (progress?: Progress) => void {
  if (session.json) return () => {};
  if (!process.stderr.isTTY) return inLines(session);
  const bar = new cliProgress.SingleBar({
    format: '{bar} {value}/{total}  {words}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
  });
  let isShown = false;
  const over = () => {
    if (isShown) bar.stop();
    isShown = false;
  };
  session.atEnd(over);
  return (progress) => {
    if (!progress) return over();
    const { done, total, words } = progress;
    if (!isShown) bar.start(total, done, { words });
    isShown = true;
    bar.setTotal(total);
    bar.update(done, { words });
  };
}

function inLines(session: Session): (progress?: Progress) => void {
  let said = '';
  let saidAt = 0;
  let latest = '';
  const say = () => {
    if (latest !== said) session.tell(latest);
    said = latest;
    saidAt = Date.now();
  };
  return (progress) => {
    if (!progress) return say();
    latest = `${progress.done} of ${progress.total}: ${progress.words}`;
    if (Date.now() - saidAt > linesEveryMs) say();
  };
}
