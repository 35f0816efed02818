import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { number } from '../format.js';
import { chartOptions, type Line } from './chartOptions.js';
import { DataTable } from './DataTable.js';

interface Props<T extends { at: string }> {
  title: string;
  points: T[];
  lines: Line<T>[];
}

/** A chart of lines over time. A screen reader reads the figures as a sentence. The figures can also be opened as a table. */
export function TimeChart<T extends { at: string }>({ title, points, lines }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data: uPlot.AlignedData = [
    points.map(({ at }) => Date.parse(at) / 1_000),
    ...lines.map(({ value }) => points.map(value)),
  ];
  const latest = useRef(data);
  latest.current = data;
  const shape = useRef(lines);
  shape.current = lines;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(chartOptions(shape.current, element), latest.current, element);
    };
    const sized = new ResizeObserver(() => {
      if (plot.current) plot.current.setSize({ width: element.clientWidth, height: plot.current.height });
    });
    draw();
    sized.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      dark.removeEventListener('change', draw);
      sized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => plot.current?.setData(latest.current), [points]);

  const sentence = lines.map(({ label, value }) => describe(label, points.map(value))).join('; ');
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={`${title}. ${sentence}.`} />
      <details>
        <summary>As a table</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard can scroll only a section that takes the focus */}
        <section class="scroll" tabIndex={0} aria-label={`${title}, as a table`}>
          <DataTable
            caption={title}
            rows={[...points].reverse()}
            keyOf={({ at }) => at}
            columns={[
              { head: 'Time', cell: ({ at }) => new Date(at).toLocaleTimeString() },
              ...lines.map(({ label, value }) => ({
                head: label,
                isNumber: true,
                cell: (point: T) => number(value(point)),
              })),
            ]}
          />
        </section>
      </details>
    </figure>
  );
}

function describe(label: string, values: number[]): string {
  return `${label}: ${number(values.at(-1) ?? 0)} now, ${number(Math.max(0, ...values))} at most`;
}
