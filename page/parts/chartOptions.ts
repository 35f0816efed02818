import type uPlot from 'uplot';
import { number } from '../format.js';
import type { Line } from './TimeChart.js';

const height = 220;

/** @param element whose style says the colours, and whose width it has */
export function chartOptions<T>(lines: Line<T>[], element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--pico-muted-color'),
    grid: { stroke: colour('--chart-grid'), width: 1 },
    ticks: { stroke: colour('--chart-grid'), width: 1 },
    font: `12px ${style.fontFamily}`,
  };
  return {
    width: element.clientWidth,
    height,
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    // Zero is always on it, and a line at zero does not lie on the frame.
    scales: { x: { time: true }, y: { range: (_, _min, max) => [0, Math.max(5, max * 1.1)] } },
    axes: [
      { ...axis, space: 70, values: (_, at) => at.map((each) => hourAndMinute.format(each * 1_000)) },
      {
        ...axis,
        size: 56,
        values: (_, values) => values.map((value) => (Number.isInteger(value) ? number(value) : '')),
      },
    ],
    series: [
      { label: 'Time', value: (_, at) => (at === null ? '' : new Date(at * 1_000).toLocaleTimeString()) },
      ...lines.map(
        ({ label, colour: name, dash }): uPlot.Series => ({
          label,
          stroke: colour(name),
          width: 2,
          ...(dash && { dash }),
          points: { show: false },
          value: (_, value) => (value === null ? '' : number(value)),
        }),
      ),
    ],
  };
}

const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
