import { billOf, prices } from './bill.js';
import { type BootCounts, countBoot, type Hub } from './countBoot.js';

export const hubs: readonly Hub[] = [
  { tier: 'S1', units: 1 },
  { tier: 'S1', units: 10 },
  { tier: 'S3', units: 1 },
];
export const fleets = [1_000, 10_000, 100_000];
/** The devices of the counted boots. The counts of a device do not depend on the size of the fleet, apart from its repeated requests. */
const counted = 1_000;

/** The costs of the hub for one day, beyond the one S1 unit that runs anyway. */
function unitsForADay({ tier, units }: Hub): number {
  const { month, days } = prices.hubUnit;
  return (month[tier] * units - month.S1) / days;
}

const nameOf = ({ tier, units }: Hub) => `${tier} × ${units}`;
const whole = (value: number) => Math.round(value).toLocaleString('en-US');
const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;

/** The tables of docs/cost.md that the code decides, by the name of their marks. */
export async function costTables(): Promise<Record<'device' | 'boot', string>> {
  const counts: BootCounts[] = [];
  for (const hub of hubs) counts.push(await countBoot(counted, hub));
  return { device: deviceTable(counts), boot: bootTable(counts) };
}

function deviceTable(counts: readonly BootCounts[]): string {
  const line = (name: string, of: (counts: BootCounts) => number) => row([name, ...counts.map(of)]);
  const tables = ({ records, lists, shared }: BootCounts) => Math.round((records + lists + shared) * 10) / 10;
  return [
    row([`for each of ${whole(counted)} devices`, ...hubs.map(nameOf)]),
    row(['---', ...hubs.map(() => '--:')]),
    line('HTTP requests', ({ requests }) => requests),
    line('messages', ({ messages }) => messages),
    line('Service Bus operations (three for each message)', ({ messages }) => Math.round(messages * 30) / 10),
    line('table operations', tables),
    line('· of its record', ({ records }) => records),
    line('· of the lists: rows written and removed', ({ lists }) => lists),
    line('· of shared rows: rate limiters, circuits, status', ({ shared }) => shared),
    line('· of one repeated request', ({ repeated }) => repeated),
    line('registry operations of the hub', ({ registry }) => registry),
    line('requests to balena', ({ balena }) => balena),
  ].join('\n');
}

function bootTable(counts: readonly BootCounts[]): string {
  const lines = fleets.flatMap((devices) =>
    hubs.map((hub, i) => {
      const bill = billOf(devices, hub, counts[i]!);
      const { minutes, requests, executions, gbSeconds, serviceBusOperations } = bill;
      return row([
        whole(devices),
        nameOf(hub),
        minutes < 120
          ? `${Math.max(0.2, Math.round(minutes * 10) / 10)} min`
          : `${Math.round(minutes / 60)} h`,
        whole(requests),
        whole(executions),
        whole(gbSeconds),
        whole(serviceBusOperations),
        whole(bill.tableOperations),
        bill.telemetryGb.toFixed(2),
        `$${bill.dollars.toFixed(2)}`,
        `$${(bill.dollars + unitsForADay(hub)).toFixed(2)}`,
      ]);
    }),
  );
  return [
    row([
      'devices',
      'hub',
      'boot',
      'requests of a device',
      'executions',
      'GB-s',
      'Service Bus operations',
      'table operations',
      'telemetry, GB',
      'sum',
      'with the units of that day',
    ]),
    row(['--:', '---', ...Array.from({ length: 9 }, () => '--:')]),
    ...lines,
  ].join('\n');
}

/** Replaces the marked tables in the text of docs/cost.md. @throws Error if a mark is missing */
export function withTables(text: string, tables: Record<string, string>): string {
  return Object.entries(tables).reduce((written, [name, table]) => {
    const [from, to] = [`<!-- bench:cost ${name} -->\n`, `\n<!-- end ${name} -->`];
    const [start, end] = [written.indexOf(from), written.indexOf(to)];
    if (start < 0 || end < start) throw new Error(`docs/cost.md has no marks for the table "${name}"`);
    return `${written.slice(0, start + from.length)}\n${table}\n${written.slice(end)}`;
  }, text);
}
