import type { Endpoints } from '../../../local/stack/Endpoints.js';
import type { Action, ActionPage } from '../../../src/ops/bulk/schema.js';
import type { DeadLetterPage } from '../../../src/ops/deadLetters/schema.js';
import type { DeviceHistory, RecordPage } from '../../../src/ops/devices/schema.js';
import type { Overview } from '../../../src/ops/overview/schema.js';
import { waitFor } from '../../support/waitFor.js';
import { provisionApi } from './provisionApi.js';

/** The operators' calls over HTTP. Each call throws if the answer is an error. */
export interface OpsApi {
  overview(): Promise<Overview>;
  records(query?: Record<string, string>): Promise<RecordPage>;
  history(uuid: string): Promise<DeviceHistory>;
  deadLetters(query?: Record<string, string>): Promise<DeadLetterPage>;
  /**
   * As `deadLetters`, but waits for a list that was read after the call. The product answers from a list of some seconds ago, or
   * of ten times as long ago as the reading took (`asOf` says how old).
   */
  freshDeadLetters(query?: Record<string, string>): Promise<DeadLetterPage>;
  plan(body: object): Promise<Action>;
  start(id: string, body?: object): Promise<Action>;
  cancel(id: string, body?: object): Promise<Action>;
  action(id: string): Promise<Action>;
  audit(query?: Record<string, string>): Promise<ActionPage>;
  /** Waits until an action has come to this. */
  ends(id: string, state: Action['state']): Promise<Action>;
}

export function opsApi(endpoints: Endpoints): OpsApi {
  const { call } = provisionApi(endpoints);
  const key = endpoints.functions.opsKey;
  async function ask<R>(method: string, path: string, body?: object): Promise<R> {
    const answer = await call(method, `/api/ops/${path}`, { key, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json as R;
  }
  const query = (given: Record<string, string> = {}) => `?${new URLSearchParams(given)}`;
  const deadLetters = (given?: Record<string, string>) =>
    ask<DeadLetterPage>('GET', `dead-letters${query(given)}`);
  const action = (id: string) => ask<Action>('GET', `actions/${id}`);
  return {
    overview: () => ask('GET', 'overview'),
    records: (given) => ask('GET', `records${query(given)}`),
    history: (uuid) => ask('GET', `records/${uuid}`),
    deadLetters,
    freshDeadLetters(given) {
      const now = new Date().toISOString();
      return waitFor('the list of dead letters is read again', async () => {
        const page = await deadLetters(given);
        return page.asOf >= now && page;
      });
    },
    plan: (body) => ask('POST', 'actions', body),
    start: (id, body) => ask('POST', `actions/${id}/start`, body),
    cancel: (id, body) => ask('POST', `actions/${id}/cancel`, body),
    action,
    audit: (given) => ask('GET', `actions${query(given)}`),
    ends: (id, state) =>
      waitFor(`the action is ${state}`, async () => {
        const found = await action(id);
        if (found.state !== state) throw new Error(`it is ${JSON.stringify(found)}`);
        return found;
      }),
  };
}
