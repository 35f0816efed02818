import type { ComponentChildren } from 'preact';
import { number } from '../format.js';

interface Props {
  label: string;
  counts: Record<string, number>;
  /** A name as it is shown. */
  show?(name: string): ComponentChildren;
  /** Where a click on it leads. */
  href?(name: string): string | undefined;
}

/** Counts by name, with bars that show their share. */
export function Shares({ label, counts, show = (name) => name, href }: Props) {
  const entries = Object.entries(counts);
  const most = Math.max(1, ...entries.map(([, count]) => count));
  return (
    <ul class="shares" aria-label={label}>
      {entries.map(([name, count]) => (
        <li key={name}>
          <span class="name">{href?.(name) ? <a href={href(name)}>{show(name)}</a> : show(name)}</span>
          <span class="bar" aria-hidden="true">
            <span style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span class="count">{number(count)}</span>
        </li>
      ))}
    </ul>
  );
}
