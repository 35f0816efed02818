import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './openApi.js';

/** What was asked for last, and whether that still works. */
export interface Polled<T> {
  /** Stays when asking fails. */
  data: T | null;
  /** Unix ms of this data. */
  at: number;
  /** Why the last asking failed; null if it did not. */
  error: ApiError | null;
  /** Asks at once. */
  refresh(): void;
}

/** After a failure, whatever the view wants otherwise; and after one that is about what was asked. */
const againMs = 5_000;
const refusedMs = 30_000;

/**
 * Asks again and again, while the page is visible. One question at a time, and the longer an answer takes, the rarer: a tenth of
 * the time at most is spent asking.
 *
 * @param load what is asked; asked anew when this changes (useCallback)
 * @param everyMs how long to wait after an answer; null: not again
 */
export function usePolled<T>(
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: (data: T) => number | null,
): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, 'refresh'>>({ data: null, at: 0, error: null });
  const every = useRef(everyMs);
  every.current = everyMs;
  const run = useRef(() => {});

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isOver = false;

    async function ask() {
      clearTimeout(timer);
      if (isAsking || document.hidden) return;
      isAsking = true;
      const begun = performance.now();
      let wait: number | null = againMs;
      try {
        const data = await load(signal);
        if (signal.aborted) return;
        setState({ data, at: Date.now(), error: null });
        wait = every.current(data);
      } catch (error) {
        if (signal.aborted) return;
        const failure = ApiError.from(error);
        if (failure.status >= 400 && failure.status < 500) wait = refusedMs;
        setState((last) => ({ ...last, error: failure }));
      } finally {
        isAsking = false;
      }
      isOver = wait === null;
      if (wait !== null) timer = setTimeout(ask, Math.max(wait, 10 * (performance.now() - begun)));
    }
    const onVisible = () => {
      if (!isOver) ask();
    };
    run.current = ask;
    ask();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [load]);

  return { ...state, refresh: useCallback(() => run.current(), []) };
}
