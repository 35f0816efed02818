import cliProgress from 'cli-progress';
import type { Session } from '../session/session.js';

/** The progress of a command. */
export interface Progress {
  done: number;
  total: number;
  /** The results until now, for example "3 provisioned, 1 failed". */
  text: string;
}

/** The shortest time between two lines in a log. */
const lineIntervalMs = 2_000;

/**
 * Shows the progress of a command: a bar in a terminal, otherwise a line after a change. Nothing is shown with --json.
 *
 * @returns a function to call with every change, and without an argument at the end
 */
export function showProgress(session: Session): (progress?: Progress) => void {
  if (session.json) return () => {};
  if (!process.stderr.isTTY) return showLines(session);
  const bar = new cliProgress.SingleBar({
    format: '{bar} {value}/{total}  {text}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stderr,
  });
  let isShown = false;
  const stop = () => {
    if (isShown) bar.stop();
    isShown = false;
  };
  session.onClose(stop);
  return (progress) => {
    if (!progress) return stop();
    const { done, total, text } = progress;
    if (!isShown) bar.start(total, done, { text });
    isShown = true;
    bar.setTotal(total);
    bar.update(done, { text });
  };
}

function showLines(session: Session): (progress?: Progress) => void {
  let printed = '';
  let printedAt = 0;
  let latest = '';
  const print = () => {
    if (latest !== printed) session.info(latest);
    printed = latest;
    printedAt = Date.now();
  };
  return (progress) => {
    if (!progress) return print();
    latest = `${progress.done} of ${progress.total}: ${progress.text}`;
    if (Date.now() - printedAt > lineIntervalMs) print();
  };
}
