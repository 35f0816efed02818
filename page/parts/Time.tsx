import { useEffect, useState } from 'preact/hooks';
import { localTime, relative } from '../format.js';

interface Props {
  /** ISO 8601; null: a dash. */
  at: string | null;
  /** `3 min ago` instead of the local time. */
  isRelative?: boolean;
}

/** A moment, in local time; hovering tells it exactly, in local time and in UTC. */
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

/** Unix ms, new every so often. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
