import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** The possible values of attributes. */
type Value = string | number | boolean;

export interface CollectedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  links: { traceId: string; spanId: string }[];
  attributes: Record<string, Value>;
  /** The message of the status; null for a span without an error. */
  error: string | null;
  startedAt: bigint;
  /** Of the process. */
  instance: Value | undefined;
}

export interface CollectedLine {
  body: string;
  level: string;
  attributes: Record<string, Value>;
  traceId: string;
}

export interface CollectedPoint {
  name: string;
  unit: string;
  value: number;
  attributes: Record<string, Value>;
}

/** A collector of OpenTelemetry, for OTLP over HTTP in JSON, on loopback. */
export interface Collector {
  url: string;
  spans: CollectedSpan[];
  lines: CollectedLine[];
  /** Of a histogram: how many values there are. */
  points: CollectedPoint[];
  /** All request bodies, unchanged. */
  received(): string;
  close(): Promise<void>;
}

interface Attribute {
  key: string;
  value: Record<string, Value>;
}

interface Resource {
  resource: { attributes: Attribute[] };
}

interface Scoped {
  scopeSpans: { spans: RawSpan[] }[];
  scopeLogs: { logRecords: RawLine[] }[];
  scopeMetrics: { metrics: RawMetric[] }[];
}

interface RawSpan extends Pick<CollectedSpan, 'name' | 'kind' | 'traceId' | 'spanId'> {
  parentSpanId?: string;
  links?: { traceId: string; spanId: string }[];
  attributes: Attribute[];
  status: { code: number; message?: string };
  startTimeUnixNano: string;
}

interface RawLine {
  body: { stringValue: string };
  severityText: string;
  attributes: Attribute[];
  traceId?: string;
}

interface RawPoint {
  attributes: Attribute[];
  asInt?: number;
  asDouble?: number;
  count?: number;
}

interface RawMetric {
  name: string;
  unit: string;
  sum?: { dataPoints: RawPoint[] };
  gauge?: { dataPoints: RawPoint[] };
  histogram?: { dataPoints: RawPoint[] };
}

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const collected = {
    spans: [] as CollectedSpan[],
    lines: [] as CollectedLine[],
    points: [] as CollectedPoint[],
  };
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const bytes = Buffer.concat(chunks);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
    bodies.push(body);
    take(JSON.parse(body), collected);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Jest may end without `close`.
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...collected,
    received: () => bodies.join('\n'),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Batch = Partial<Record<'resourceSpans' | 'resourceLogs' | 'resourceMetrics', (Resource & Scoped)[]>>;

function take(
  { resourceSpans = [], resourceLogs = [], resourceMetrics = [] }: Batch,
  { spans, lines, points }: Pick<Collector, 'spans' | 'lines' | 'points'>,
): void {
  for (const { resource, scopeSpans } of resourceSpans) {
    const instance = plain(resource.attributes)['service.instance.id'];
    for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
      spans.push({
        ...span,
        parentSpanId: span.parentSpanId || null,
        links: span.links ?? [],
        attributes: plain(span.attributes),
        error: span.status.code === 2 ? (span.status.message ?? '') : null,
        startedAt: BigInt(span.startTimeUnixNano),
        instance,
      });
    }
  }
  for (const line of resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap((scope) => scope.logRecords),
  )) {
    lines.push({
      body: line.body.stringValue,
      level: line.severityText,
      attributes: plain(line.attributes),
      traceId: line.traceId ?? '',
    });
  }
  for (const metric of resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((scope) => scope.metrics),
  )) {
    const { name, unit, sum, gauge, histogram } = metric;
    for (const point of (sum ?? gauge ?? histogram)?.dataPoints ?? []) {
      const value = Number(point.asInt ?? point.asDouble ?? point.count);
      points.push({ name, unit, value, attributes: plain(point.attributes) });
    }
  }
}

function plain(attributes: Attribute[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [[kind, of] = ['', '']] = Object.entries(value);
      return [key, kind === 'intValue' ? Number(of) : of];
    }),
  );
}
