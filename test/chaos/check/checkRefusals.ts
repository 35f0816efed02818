import type { Ask } from '../history/Ask.js';
import { unknownService, type Wish } from '../plan/Plan.js';
import { candidates, isRefusedLater } from './candidates.js';
import type { DeviceEvidence, Violation } from './Evidence.js';

/** The device must have been in the state that an error answer names, at some time between request and answer. */
export function checkRefusals({ device, asks }: DeviceEvidence): Violation[] {
  return asks.flatMap((ask): Violation[] => {
    const { outcome, wish, sentAt, answeredAt } = ask;
    if (outcome.kind !== 'refused') return [];
    const wrong = (what: string): Violation[] => [{ uuid: device.uuid, rule: 'answer', what }];
    const said = `${wish.operation} was answered with ${outcome.status} ${outcome.code}`;
    const explains = explanationOf(ask);
    if (!explains) return wrong(said);
    // A repeated DELETE changes nothing, and leaves the refusal of a service that does not exist.
    const wasRefused = ({ wish: other, sentAt: at }: Ask) => explains(other) && at < answeredAt;
    const possible =
      candidates(asks, sentAt, answeredAt).some((other) => explains(other.wish)) ||
      (isRefusedLater(ask) && asks.some((other) => other !== ask && wasRefused(other)));
    return possible ? [] : wrong(`${said}, which was not so then`);
  });
}

/** The request that makes such an answer right; undefined: the answer is never right. */
function explanationOf({ outcome, wish }: Ask): ((last: Wish) => boolean) | undefined {
  if (outcome.kind !== 'refused' || wish.operation === 'deprovision') return undefined;
  const same = (last: Wish) => last.operation === 'provision' && last.service === wish.service;
  if (outcome.status === 409 && outcome.code === 'DeviceAlreadyExistsError')
    return wish.service === unknownService ? undefined : same;
  if (outcome.status === 409 && outcome.code === 'service-conflict')
    return (last) => last.operation === 'provision' && !same(last);
  return outcome.status === 422 ? same : undefined;
}
