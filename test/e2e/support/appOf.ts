import { openAppOf } from '../../../bench/harness.js';
import type { App } from '../../../src/openApp.js';
import type { System } from './useSystem.js';

/** What a tool of ops opens: the app of a process of its own, beside those of the system. Closed by `afterAll`. */
export function appOf({ stack }: System): App {
  // As `useSystem` has it: so fast that the pace is never waited for.
  const app = openAppOf(stack.endpoints, { IOTHUB_TIER: 'S3', IOTHUB_UNITS: '10' });
  afterAll(() => app.close());
  return app;
}
