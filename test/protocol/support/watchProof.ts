import { type CallerRequest, isSamePlace } from './callers.js';
import type { System } from './createSystem.js';

/** What a device requests with a proof is changed by nobody without a proof, and others keep no device out that proves its identity. */
export function watchProof(
  { world, callersOf }: System,
  uuid: string,
  request: CallerRequest,
  answer: CallerRequest['answer'],
): void {
  const callers = callersOf(uuid);
  if (answer !== 'unproved' && callers.isShutOut(request))
    world.violated(uuid, 'a request without a proof counted');
  if (request.proof && answer === 'unproved') world.violated(uuid, 'a proof did not count');
  if (!request.proof || (answer !== 'service-conflict' && answer !== 'failed')) return;
  const isCause = ({ proof, wish }: CallerRequest) =>
    proof !== false && isSamePlace(wish, request.wish) === (answer === 'failed');
  if (!callers.requests.some((each) => each !== request && isCause(each)))
    world.violated(uuid, 'a device with a proof was kept out by others');
}
