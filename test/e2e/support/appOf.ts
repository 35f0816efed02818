import { openAppOf } from '../../../bench/harness.js';
import type { App } from '../../../src/openApp.js';
import type { System } from './useSystem.js';

/** Opens the app of an operator's tool in this process, beside the processes of the system. Closed by `afterAll`. */
export function appOf({ stack }: System): App {
  // As in `useSystem`: a limit so high that no request waits.
  const app = openAppOf(stack.endpoints, { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10' });
  afterAll(() => app.close());
  return app;
}
