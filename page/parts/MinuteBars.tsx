import { number } from '../format.js';

/** One row of bars. */
export interface Series {
  label: string;
  /** The name of a custom property of the style. */
  colour: string;
  /** The counts of the minutes; null for a minute without a sample. */
  counts: readonly (number | null)[];
  /** A line across the bars, such as a limit. */
  limit?: { label: string; value: number };
  /** What the newest count is: "in the last minute", or "now". */
  newest: string;
}

interface Props {
  series: Series;
  /** The start of the first minute. */
  from: number;
}

const barWidth = 10;
const height = 56;
const gap = 2;

/** The bars of one series, one for each minute of a fixed hour. The row has its own scale, whose top is written beside it. */
export function MinuteBars({ series: { label, colour, counts, limit, newest }, from }: Props) {
  const known = counts.filter((count) => count !== null);
  const most = Math.max(1, ...known, limit?.value ?? 0);
  const heightOf = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * height));
  const last = known.at(-1) ?? null;
  const peak = known.length === 0 ? null : Math.max(...known);
  return (
    <div class="minute-bars">
      <p class="head">
        <span class="label">{label}</span>
        <span class="now">
          <strong>{last === null ? '–' : number(last)}</strong> {newest}
        </span>
        <span class="peak">{peak === null ? '' : `most ${number(peak)}`}</span>
      </p>
      <svg
        viewBox={`0 0 ${counts.length * barWidth} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={sentence({ label, last, peak, newest, limit })}
      >
        <line x1="0" x2={counts.length * barWidth} y1={height} y2={height} class="base" />
        {counts.map((count, minute) =>
          count === null ? null : (
            <g key={minute}>
              <title>{`${clock.format(from + minute * 60_000)}: ${number(count)}`}</title>
              <rect class="hit" x={minute * barWidth} y={0} width={barWidth} height={height} />
              <rect
                x={minute * barWidth + gap / 2}
                y={height - heightOf(count)}
                width={barWidth - gap}
                height={heightOf(count)}
                fill={`var(${colour})`}
              />
            </g>
          ),
        )}
        {limit && (
          <line
            x1="0"
            x2={counts.length * barWidth}
            y1={height - (limit.value / most) * height + 1}
            y2={height - (limit.value / most) * height + 1}
            class="limit"
          />
        )}
      </svg>
      {limit && <p class="limit-label">{`— — ${limit.label}: ${number(limit.value)}`}</p>}
    </div>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

interface SentenceParts extends Pick<Series, 'label' | 'newest' | 'limit'> {
  last: number | null;
  peak: number | null;
}

function sentence({ label, last, peak, newest, limit }: SentenceParts): string {
  if (last === null || peak === null) return `${label}: no sample yet.`;
  const most = limit ? ` ${limit.label}: ${number(limit.value)}.` : '';
  return `${label}: ${number(last)} ${newest}, at most ${number(peak)} in a minute of the last hour.${most}`;
}

/** The hours and minutes below the bars: one label for each quarter of the hour. */
export function MinuteAxis({ from, minutes }: { from: number; minutes: number }) {
  const quarters = [0, 1, 2, 3, 4].map((quarter) => from + (quarter * minutes * 60_000) / 4);
  return (
    <p class="minute-axis" aria-hidden="true">
      {quarters.map((at) => (
        <span key={at}>{clock.format(at)}</span>
      ))}
    </p>
  );
}
