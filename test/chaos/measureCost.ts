import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestSummary } from '../../local/simulators/shared/requests.js';
import type { Violation } from './check/Evidence.js';
import { type AskDependencies, sendAsk } from './history/sendAsk.js';
import { control } from './system/control.js';
import { readView } from './system/readView.js';
import type { System } from './system/startSystem.js';

const fresh = 3;
const asksOfOne = 20;
const withinMs = 120_000;

/**
 * On an overloaded machine a call sometimes times out. The device of such a call is left out, and other devices are measured.
 */
const tries = 3;

/**
 * Measures without faults. A fresh device costs one registry operation and three balena requests, even with many requests at
 * once, and all requests of a device are one job.
 */
export async function measureCost(system: System, deps: AskDependencies): Promise<Violation[]> {
  for (let left = tries; ; left -= 1) {
    const found = await measureOnce(system, deps);
    if (found.length === 0 || left === 1) return found;
  }
}

async function measureOnce({ stack }: System, deps: AskDependencies): Promise<Violation[]> {
  const { balena, iotHub } = stack.simulators;
  const [hubControl, balenaControl] = [iotHub?.endpoints.controlUrl, balena?.endpoints.controlUrl];
  const uuids = Array.from({ length: fresh }, () => randomBytes(16).toString('hex'));
  await control(balenaControl, 'POST /devices', { uuids });
  await Promise.all([control(hubControl, 'DELETE /requests'), control(balenaControl, 'DELETE /requests')]);

  const asks = await Promise.all(
    uuids.flatMap((uuid, i) =>
      Array.from({ length: i === 0 ? asksOfOne : 1 }, () =>
        sendAsk(deps, { uuid, operation: 'provision', service: 'main' }),
      ),
    ),
  );
  // A request for a device that is already provisioned is rejected, and makes no job.
  const requestIds = asks.flatMap(({ outcome }) => (outcome.kind === 'accepted' ? [outcome.requestId] : []));
  const begun = Date.now();
  for (const uuid of uuids) {
    while ((await readView(deps.functions, uuid))?.view.state !== 'provisioned') {
      if (Date.now() - begun > withinMs)
        return [cost(`${uuid} is not provisioned after ${withinMs} ms of calm`)];
      await sleep(100);
    }
  }
  const [atHub, atBalena] = await Promise.all([
    control<RequestSummary>(hubControl, 'GET /requests'),
    control<RequestSummary>(balenaControl, 'GET /requests'),
  ]);
  const found: Violation[] = [];
  if (new Set(requestIds).size !== fresh)
    found.push(cost(`${fresh} devices made the requests ${[...new Set(requestIds)]}`));
  if (atHub.total !== fresh)
    found.push(cost(`${fresh} fresh devices cost ${JSON.stringify(atHub.counts)} at the hub`));
  if (atBalena.total !== 3 * fresh)
    found.push(cost(`${fresh} fresh devices cost ${JSON.stringify(atBalena.counts)} at balena`));
  return found;
}

function cost(what: string): Violation {
  return { rule: 'cost', what };
}
