import type { SystemStatus } from '../../src/health/statusSchema.js';
import { openOpsApp } from '../../src/openOpsApp.js';
import { readSystemHealth } from '../../src/ops/overview/readStatus.js';
import type { Settings } from '../session/readEndpoints.js';
import { checkSettings } from './checkSettings.js';

/** Reads the state of the whole system. @returns null if the settings of queue or records are wrong: the checks then name the settings */
export async function readSystem(settings: Settings): Promise<SystemStatus | null> {
  const config = checkSettings(settings).configFor('queue', 'records');
  if (!config) return null;
  try {
    const app = openOpsApp(config, () => {});
    try {
      return (await readSystemHealth(app)).status;
    } finally {
      await app.close();
    }
  } catch {
    // The clients cannot be opened, for example because a connection string cannot be read. The checks name the setting.
    return null;
  }
}
