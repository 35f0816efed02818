import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { projectFolder } from '../../local/stack/projectFolder.js';

/** In a process of its own, what of OpenTelemetry the build has loaded once its functions could run. */
async function loadedWith(env: Record<string, string>): Promise<string[]> {
  const module = (file: string) => JSON.stringify(pathToFileURL(join(projectFolder(), 'dist', file)).href);
  const script = `
    import { createRequire } from 'node:module';
    import { readConfig } from ${module('src/config.js')};
    import { openApp } from ${module('src/openApp.js')};
    import { startTelemetry } from ${module('src/telemetry/startTelemetry.js')};
    const config = readConfig();
    await startTelemetry(config);
    openApp(config);
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify(loaded));
    process.exit(0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
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
  });
  const files = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  const names = files.map(
    (file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(file)?.[1] ?? '',
  );
  return [...new Set(names)].filter((name) => /opentelemetry/.test(name)).sort();
}

test('with no place to send it to, nothing of the SDK is loaded', async () => {
  expect(await loadedWith({})).toEqual(['@opentelemetry/api']);
});

test('only the exporters of the places that are set are loaded', async () => {
  const loaded = await loadedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  expect(loaded).toEqual(expect.arrayContaining(['@opentelemetry/exporter-trace-otlp-http']));
  expect(loaded).not.toContain('@azure/monitor-opentelemetry-exporter');
});
