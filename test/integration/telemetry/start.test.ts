import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { listen, localCertificate } from '../../../local/simulators/shared/loopback.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

const module = (file: string) => JSON.stringify(pathToFileURL(join(projectFolder(), 'dist', file)).href);

/** Starts the build's telemetry in a child process, as the functions do, and runs a script there. */
async function within(script: string, env: Record<string, string>) {
  const all = `
    import { createRequire } from 'node:module';
    import { readConfig } from ${module('src/config/config.js')};
    import { openApp } from ${module('src/openApp.js')};
    import { startTelemetry } from ${module('src/telemetry/start.js')};
    const config = readConfig();
    const telemetry = await startTelemetry(config);
    const app = openApp(config);
    ${script}
    process.exit(0);`;
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', all], {
    cwd: projectFolder(),
    env: {
      PATH: process.env.PATH,
      BALENA_API_KEY: 'key',
      IOTHUB_CONNECTION_STRING: 'HostName=localhost;SharedAccessKeyName=a;SharedAccessKey=aGV5',
      SERVICEBUS_CONNECTION: 'Endpoint=sb://localhost/;SharedAccessKeyName=a;SharedAccessKey=aGV5',
      RECORDS_CONNECTION:
        'DefaultEndpointsProtocol=https;AccountName=mystorage;AccountKey=aGV5;EndpointSuffix=core.windows.net',
      ...env,
    },
    maxBuffer: 10_000_000,
    timeout: 200_000,
  });
}

/** The packages of OpenTelemetry that a process has loaded when the functions can run. */
async function loadedWith(env: Record<string, string>): Promise<string[]> {
  const script = 'console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));';
  const { stdout } = await within(script, env);
  const files = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  const names = files.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? '');
  return [...new Set(names)].filter((name) => /opentelemetry/.test(name)).sort();
}

test('without a destination, no part of the SDK is loaded', async () => {
  expect(await loadedWith({})).toEqual(['@opentelemetry/api']);
});

test('only the exporters of the configured destinations are loaded', async () => {
  const loaded = await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  expect(loaded).toEqual(expect.arrayContaining(['@opentelemetry/exporter-trace-otlp-http']));
  expect(loaded).not.toContain('@azure/monitor-opentelemetry-exporter');
});

const servers: (HttpServer | HttpsServer)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function portOf(server: HttpServer | HttpsServer): Promise<number> {
  servers.push(server);
  return listen(server, 0);
}

test('telemetry that no collector accepts is lost; one log line says so, and the process goes on', async () => {
  const { stdout, stderr } = await within(
    `for (let i = 0; i < 3; i += 1) {
      telemetry.log('a line');
      await telemetry.flush();
    }
    await telemetry.close();
    console.log('closed');`,
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=hunter2',
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
      OTEL_BLRP_SCHEDULE_DELAY: '50',
    },
  );
  expect(stdout.match(/^(a line|closed)$/gm)).toEqual(['a line', 'a line', 'a line', 'closed']);
  expect(stderr.match(/Telemetry cannot be sent and is lost/g)).toHaveLength(1);
  expect(stderr).not.toContain('hunter2');
});

test.each(['flush', 'close'])(
  'a collector that never answers delays %s by three seconds only',
  async (send) => {
    const port = await portOf(createServer(() => {}));
    const { stdout } = await within(
      `telemetry.log('a line');
      const started = performance.now();
      await telemetry.${send}();
      console.log('took ' + (performance.now() - started));`,
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
        // The exporter itself would wait for ten minutes.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
      },
    );
    const took = Number(/^took (.*)$/m.exec(stdout)?.[1]);
    expect(took).toBeGreaterThan(2_900);
  },
);

test('flushed telemetry has arrived although the process ends without closing; a second flush does no harm', async () => {
  const taken: string[] = [];
  const port = await portOf(
    createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      taken.push(`${request.url} ${body}`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    }),
  );
  await within(
    `const { inSpan } = await import(${module('src/telemetry/spans.js')});
    const { productMetrics } = await import(${module('src/telemetry/metrics.js')});
    await inSpan('renew', {}, async () => telemetry.log('a line'));
    productMetrics().certificates({ expired: 0, within7Days: 0, within30Days: 3, later: 4 });
    await telemetry.flush();
    await telemetry.flush();`,
    { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  );
  const all = taken.join('\n');
  for (const part of ['/v1/traces', '"renew"', '"a line"', '"provisioner.certificates"'])
    expect(all).toContain(part);
});

test('without a destination, flush and close do nothing', async () => {
  const { stdout } = await within(
    'await telemetry.flush(); await telemetry.close(); console.log("ended");',
    {},
  );
  expect(stdout).toContain('ended');
});

test('Application Insights gets spans and lines with their fields, at the address of the connection string', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'insights-'));
  const { key, cert, caFile } = await localCertificate(folder);
  const taken: string[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const bytes = Buffer.concat(await request.toArray());
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
    taken.push(`${request.method} ${request.url} ${body}`);
    const count = body.split('"iKey"').length - 1;
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ itemsReceived: count, itemsAccepted: count, errors: [] }));
  };
  const port = await portOf(createHttpsServer({ key, cert }, take));
  const script = `
    const { inSpan } = await import(${module('src/telemetry/spans.js')});
    const { productMetrics } = await import(${module('src/telemetry/metrics.js')});
    await inSpan('delivery', { attributes: { uuid: 'abc' } }, async () => telemetry.log('a line'));
    productMetrics().failed('service-not-found', 'validate');
    await telemetry.close();`;
  await within(script, {
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://localhost:${port}/`,
    NODE_EXTRA_CA_CERTS: caFile,
    // Without this setting the exporter reports its own use to Microsoft.
    APPLICATION_INSIGHTS_NO_STATSBEAT: 'true',
  });
  await rm(folder, { recursive: true });
  const all = taken.join('\n');
  expect(all).toMatch(/^POST \/v2\S*\/track/);
  for (const part of ['"delivery"', '"uuid":"abc"', '"a line"', '"provisioner.failed"', 'service-not-found'])
    expect(all).toContain(part);
});
