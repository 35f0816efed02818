import type { ConfigFor } from '../../src/config/config.js';
import { health } from '../../src/health/health.js';
import { type OpsApp, openOpsApp } from '../../src/openOpsApp.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { span } from '../output/time.js';
import { type Check, failed, ok, warning } from './check.js';

/** They take a sample each minute, and workers report while they work. */
const lateMs = 180_000;
const lookBackMs = 3_600_000;

/** Do the functions run, and what have their workers last seen of hub and balena? */
export async function checkFunctions(config: ConfigFor<'queue' | 'records'>): Promise<Check[]> {
  let app: OpsApp | undefined;
  try {
    app = openOpsApp(config, () => {});
    const since = Date.now() - lookBackMs;
    const [samples, seen, status] = await Promise.all([
      app.samples.since(since),
      health(app),
      app.status.read(),
    ]);
    const signs = [samples.at(-1)?.at ?? 0, status?.at ?? 0];
    const circuits = seen
      .filter(({ name, ok: isWell }) => (name === 'hub' || name === 'balena') && !isWell)
      .map(({ name, detail }) =>
        warning(`workers: ${name}`, detail, 'mend what it says: work waits, and flows when it is right'),
      );
    return [running(Math.max(...signs)), ...circuits];
  } catch (error) {
    return [failed('functions', ProvisioningError.from(error).message, 'see the lines on queue and records')];
  } finally {
    await app?.close();
  }
}

/** @param seenAt Unix ms, or long ago */
function running(seenAt: number): Check {
  const ms = Math.max(0, Date.now() - seenAt);
  if (ms > lookBackMs)
    return warning(
      'functions',
      'no sign of them in the last hour',
      'have they just been started? If not, look whether they run: /api/health',
    );
  if (ms <= lateMs) return ok('functions', `they run: their last sign is ${span(ms)} old`);
  return failed('functions', `their last sign is ${span(ms)} old`, 'look whether they run: /api/health');
}
