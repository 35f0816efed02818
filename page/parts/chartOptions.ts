import type uPlot from 'uplot';
import { number } from '../format.js';

const height = 220;
const minute = 60;

/** A line of a chart. */
export interface Line<T> {
  label: string;
  /** The name of a custom property of the style. */
  colour: string;
  /** The lengths of dash and gap. The dashes distinguish the lines for readers who cannot see the colours. */
  dash?: number[];
  value(point: T): number;
}

/**
 * The options of uPlot for a chart of lines over time.
 *
 * @param element the chart's element: gives the width, and the colours of its style
 */
export function chartOptions<T>(lines: Line<T>[], element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--chart-grid'), width: 1 },
    ticks: { stroke: colour('--chart-grid'), width: 1 },
    font: `12px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height,
    // The space on the right keeps the last time label visible.
    padding: [12, 36, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    // The axis starts at zero and ends above the highest point.
    scales: { x: { time: true }, y: { range: (_, _min, max) => [0, Math.max(5, max * 1.1)] } },
    axes: [
      {
        ...axis,
        space: 60,
        incrs: [1, 2, 5, 10, 15, 30].map((minutes) => minutes * minute),
        values: (_, at) => at.map((each) => hourAndMinute.format(each * 1_000)),
      },
      {
        ...axis,
        size: 56,
        values: (_, values) => values.map((value) => (Number.isInteger(value) ? number(value) : '')),
      },
    ],
    series: [
      { label: 'Time', value: (plot, at) => clock.format((at ?? last(plot, 0)) * 1_000) },
      ...lines.map(
        ({ label, colour: name, dash }, index): uPlot.Series => ({
          label,
          stroke: colour(name),
          width: 2,
          ...(dash && { dash }),
          points: { show: false },
          value: (plot, value) => number(value ?? last(plot, index + 1)),
        }),
      ),
    ],
  };
}

/** The latest value, which the legend shows while the pointer is elsewhere. */
function last({ data }: uPlot, series: number): number {
  return data[series]?.at(-1) ?? 0;
}

const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
