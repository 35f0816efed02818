import type uPlot from 'uplot';
import { number } from '../format.js';
import type { Line } from './TimeChart.js';

const height = 220;
const minute = 60;

/** @param element whose style says the colours, and whose width it has */
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
    // On the right, so that the last time is not cut off.
    padding: [12, 36, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    // Zero is always on it, and the highest point does not lie on the frame.
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

/** While nothing is pointed at, the legend shows the latest. */
function last({ data }: uPlot, series: number): number {
  return data[series]?.at(-1) ?? 0;
}

const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
