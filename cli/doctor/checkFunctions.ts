import type { ConfigFor } from '../../src/config.js';
import { health } from '../../src/health.js';
import { type OpsApp, openOpsApp } from '../../src/openOpsApp.js';
import { ProvisioningError } from '../../src/ProvisioningError.js';
import { span } from '../output/when.js';
import { type Check, failed, ok, warning } from './Check.js';

/** They take a sample each minute. */
const lateMs = 180_000;
const lookBackMs = 3_600_000;

/** Do the functions run, and what have their workers last seen of hub and balena? */
export async function checkFunctions(config: ConfigFor<'queue' | 'records'>): Promise<Check[]> {
  let app: OpsApp | undefined;
  try {
    app = openOpsApp(config, () => {});
    const [samples, seen] = await Promise.all([app.samples.since(Date.now() - lookBackMs), health(app)]);
    const circuits = seen
      .filter(({ name, ok: isWell }) => (name === 'hub' || name === 'balena') && !isWell)
      .map(({ name, detail }) =>
        warning(`workers: ${name}`, detail, 'mend what it says: work waits, and flows when it is right'),
      );
    return [running(samples.at(-1)?.at), ...circuits];
  } catch (error) {
    return [failed('functions', ProvisioningError.from(error).message, 'see the lines on queue and records')];
  } finally {
    await app?.close();
  }
}

function running(sampledAt: number | undefined): Check {
  if (sampledAt === undefined)
    return warning(
      'functions',
      'no sign of them in the last hour',
      'have they just been started? If not, look whether they run: /api/health',
    );
  const ms = Math.max(0, Date.now() - sampledAt);
  if (ms <= lateMs) return ok('functions', `they run: their last sample is ${span(ms)} old`);
  return failed('functions', `their last sample is ${span(ms)} old`, 'look whether they run: /api/health');
}
