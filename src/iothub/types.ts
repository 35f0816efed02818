/** The two thumbprints (SHA-256, upper-case hex) that an identity accepts. */
export type ThumbprintPair = [primary: string, secondary: string];

/** The identity of a device at the hub: no identity, an enabled identity with two thumbprints, or (`exists`) an identity of another kind. */
export type IdentityState = 'none' | 'exists' | ThumbprintPair;

/**
 * The hub's device registry. Every call is one registry operation, and ends after `timeoutMs` at the latest. Every call throws
 * ProvisioningError `hub-…` or `timed-out`. If `outcomeUnknown` is set, the operation may still take effect later.
 */
export interface HubRegistry {
  get(deviceId: string, timeoutMs: number): Promise<IdentityState>;
  create(deviceId: string, thumbprints: ThumbprintPair, timeoutMs: number): Promise<'created' | 'exists'>;
  update(deviceId: string, thumbprints: ThumbprintPair, timeoutMs: number): Promise<'updated' | 'none'>;
  remove(deviceId: string, timeoutMs: number): Promise<'removed' | 'none'>;
  close(): void;
}

/** A device identity in a listing. */
export interface ListedIdentity {
  deviceId: string;
  /**
   * The accepted thumbprints (upper-case hex, SHA-256 or SHA-1). Empty for a disabled identity and for an identity without thumbprints.
   */
  accepts: string[];
}

/** One page of a listing. */
export interface IdentityPage {
  identities: ListedIdentity[];
  /** The `from` of the next page; null on the last page. */
  next: string | null;
}

/** Reads all identities of the hub. */
export interface HubListing {
  /**
   * Reads one page of identities, at most 100, in no particular order. A page costs one query. The hub allows far fewer queries than
   * registry operations (see `queriesPerMinute`). The page may be some minutes old.
   *
   * @param from `next` of the previous page; null for the first page
   * @throws ProvisioningError `hub-…`, `timed-out`
   */
  list(from: string | null, timeoutMs: number): Promise<IdentityPage>;
}
