import type { EpochMs } from '../../../../src/shared/time.js';
import { type Claim, checkSignature, permits, type Right, unauthorized } from '../sharedAccess.js';
import type { EntityAddress } from './address.js';

/** The rights that one client has proved by sending tokens to `$cbs`. */
export class Claims {
  /** By path and rights: a newer token replaces an older token for the same path. */
  readonly #claims = new Map<string, Claim>();

  /**
   * Checks a token and keeps the claim of the token.
   * @param token a shared access signature
   * @throws BrokerError `unauthorized`
   */
  add(token: string, now: EpochMs): void {
    const { path, rights } = checkSignature(token, now);
    const claim = { path: path.replace(/\/\$management$/, ''), rights };
    this.#claims.set(`${claim.path} ${rights}`, claim);
  }

  /**
   * Checks that the client may attach a link to this address.
   * @param right `Send` for a link on which the client sends, `Listen` for a link on which the client receives
   * @throws BrokerError `unauthorized`
   */
  check({ kind, queue, part }: EntityAddress, right: Right): void {
    // A client that only reads dead letters may bring a token whose path is the dead-letter queue.
    const entity = part === 'dead' ? `${queue}/$deadletterqueue` : queue;
    // A management link serves both kinds of operations: scheduling needs `Send`, peeking needs `Listen`.
    const oneOf: Right[] = kind === 'management' ? ['Send', 'Listen'] : [right];
    const isPermitted = [...this.#claims.values()].some((claim) => permits(claim, entity, oneOf));
    if (!isPermitted) throw unauthorized(`'${oneOf.join("' or '")}' claim is required for '${queue}'`);
  }
}
