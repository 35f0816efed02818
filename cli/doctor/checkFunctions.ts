import type { ConfigFor } from '../../src/config/config.js';
import { readHealthFacts } from '../../src/health/facts.js';
import { type OpsApp, openOpsApp } from '../../src/openOpsApp.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import type { EpochMs } from '../../src/shared/time.js';
import { span } from '../output/time.js';
import { type Check, failed, ok, warning } from './check.js';
import { partChecks } from './partChecks.js';

/** The functions store a sample every minute, and workers report during work. A longer silence is a fault. */
const lateMs = 180_000;
/** The time for which samples are read. */
const lookBackMs = 3_600_000;

/** Checks that the functions run, and reports the last errors of the workers at IoT Hub and balena. */
export async function checkFunctions(config: ConfigFor<'queue' | 'records'>): Promise<Check[]> {
  let app: OpsApp | undefined;
  try {
    app = openOpsApp(config, () => {});
    const since = Date.now() - lookBackMs;
    const [samples, facts] = await Promise.all([app.samples.since(since), readHealthFacts(app)]);
    const lastSeen = [samples.at(-1)?.at ?? 0, facts.row?.at ?? 0];
    return [running(Math.max(...lastSeen)), ...partChecks(facts)];
  } catch (error) {
    return [
      failed('functions', ProvisioningError.from(error).message, 'see the checks of queue and records'),
    ];
  } finally {
    await app?.close();
  }
}

/** The check of the functions. @param seenAt the time of the last sample or report; 0 if there is none */
function running(seenAt: EpochMs): Check {
  const ms = Math.max(0, Date.now() - seenAt);
  if (ms > lookBackMs)
    return warning(
      'functions',
      'no activity in the last hour',
      'this is normal just after the first start; otherwise check that the functions run: /api/health',
    );
  if (ms <= lateMs) return ok('functions', `last activity ${span(ms)} ago`);
  return failed('functions', `last activity ${span(ms)} ago`, 'check that the functions run: /api/health');
}
