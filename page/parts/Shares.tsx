import type { ComponentChildren } from 'preact';
import { number } from '../format.js';

interface Props {
  label: string;
  counts: Record<string, number>;
  /** Renders a name. */
  show?(name: string): ComponentChildren;
  /** The address that a click on a name opens. */
  href?(name: string, count: number): string | undefined;
}

/** Counts by name. The length of each bar is the share of the largest count. */
export function Shares({ label, counts, show = (name) => name, href }: Props) {
  const entries = Object.entries(counts);
  const most = Math.max(1, ...entries.map(([, count]) => count));
  return (
    <ul class="shares" aria-label={label}>
      {entries.map(([name, count]) => (
        <li key={name}>
          <span class="name">
            {href?.(name, count) ? <a href={href(name, count)}>{show(name)}</a> : show(name)}
          </span>
          <span class="bar" aria-hidden="true">
            <span style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span class="count">{number(count)}</span>
        </li>
      ))}
    </ul>
  );
}
