import type { Drain } from '../drain.js';
import type { Keys } from './keys.js';

/** An answer of the host itself. */
export interface HostAnswer {
  status: number;
  /** An object is sent as JSON. */
  body?: string | object;
  headers?: Record<string, string>;
}

/**
 * Answers the host's own paths: `/`, `/admin/...` and `/runtime/...`. Most of them need the master key. The local host has a
 * few of the management routes only, and answers 404 to the others.
 *
 * @returns undefined for every other path
 */
export async function answerAdmin(
  method: string,
  path: string,
  key: string | undefined,
  { keys, drain }: { keys: Keys; drain: Drain },
): Promise<HostAnswer | undefined> {
  if (path === '/') return { status: 200, body: 'Your Azure Function App is up and running.' };
  const lower = path.toLowerCase().replace(/\/$/, '');
  if (!/^\/(admin|runtime)(\/|$)/.test(lower)) return undefined;
  if (lower === '/admin/host/ping' || lower === '/admin/warmup') return { status: 200 };
  if (!(await keys.isAuthorized('admin', 'admin', key))) return { status: 401 };
  switch (`${method} ${lower}`) {
    case 'GET /admin/host/status':
      return { status: 200, body: { state: 'Running' } };
    case 'POST /admin/host/drain':
      // The real host answers before the listeners have stopped.
      void drain.start();
      return { status: 202 };
    case 'GET /admin/host/drain/status':
      return { status: 200, body: drain.status() };
    default:
      return { status: 404 };
  }
}
