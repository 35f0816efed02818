import { useEffect, useState } from 'preact/hooks';
import type { EpochMs } from '../../src/shared/time.js';
import { localTime, relative } from '../format.js';

interface Props {
  /** An ISO 8601 time; null shows a dash. */
  at: string | null;
  /** Whether to show `3 min ago` instead of the local time. */
  isRelative?: boolean;
}

/** A time in the local time zone. The tooltip shows the exact time, local and in UTC. */
export function Time({ at, isRelative = false }: Props) {
  const now = useNow(isRelative ? 1_000 : 60_000);
  if (at === null) return <span>–</span>;
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={`${new Date(ms).toLocaleString()} (${at})`}>
      {isRelative ? relative(ms, now) : localTime(ms, now)}
    </time>
  );
}

/**
 * The current time. The component renders again at each interval.
 *
 * @param everyMs the interval
 */
export function useNow(everyMs = 1_000): EpochMs {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
