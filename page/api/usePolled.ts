import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { EpochMs } from '../../src/shared/time.js';
import { ApiError } from './openApi.js';

/** The data of the last successful load, and the error of the last load. */
export interface Polled<T> {
  /** A failed load keeps the earlier data. */
  data: T | null;
  /** When the data was loaded. */
  at: EpochMs;
  /** The error of the last load; null after a success. */
  error: ApiError | null;
  /** Loads at once. */
  refresh(): void;
}

/** The wait after a failed load, ms. */
const retryMs = 5_000;
/** The wait after a status of 400 to 499: the same request will probably fail again. */
const requestErrorMs = 30_000;

/**
 * Loads data again and again while the page is visible. One load runs at a time. The wait after a load is at least ten times as long as the
 * load, so that at most a tenth of the time is spent on loads.
 *
 * @param load loads the data; a new function (useCallback) starts a new load at once
 * @param everyMs returns the wait after a load (ms) from the loaded data; null stops the polling
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
    let isLoading = false;
    let isStopped = false;

    async function poll() {
      clearTimeout(timer);
      if (isLoading || document.hidden) return;
      isLoading = true;
      const begun = performance.now();
      let wait: number | null = retryMs;
      try {
        const data = await load(signal);
        if (signal.aborted) return;
        setState({ data, at: Date.now(), error: null });
        wait = every.current(data);
      } catch (error) {
        if (signal.aborted) return;
        const failure = ApiError.from(error);
        if (failure.status >= 400 && failure.status < 500) wait = requestErrorMs;
        setState((last) => ({ ...last, error: failure }));
      } finally {
        isLoading = false;
      }
      isStopped = wait === null;
      if (wait !== null) timer = setTimeout(poll, Math.max(wait, 10 * (performance.now() - begun)));
    }
    const onVisible = () => {
      if (!isStopped) void poll();
    };
    run.current = () => void poll();
    void poll();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [load]);

  return { ...state, refresh: useCallback(() => run.current(), []) };
}
