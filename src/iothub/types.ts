/** The two thumbprints (SHA-256, upper-case hex) that an identity accepts. */
export type ThumbprintPair = [primary: string, secondary: string];

/** The identity of a device at the hub: no identity, an identity with two thumbprints, or an identity of another kind. */
export type IdentityState = 'none' | 'exists' | ThumbprintPair;

/**
 * The hub's device registry. Every call is one registry operation with a deadline. Every call throws ProvisioningError `hub-…` or
 * `timed-out`. If `outcomeUnknown` is set, the operation may still take effect later.
 */
export interface HubRegistry {
  get(deviceId: string, deadlineMs: number): Promise<IdentityState>;
  create(deviceId: string, thumbprints: ThumbprintPair, deadlineMs: number): Promise<'created' | 'exists'>;
  update(deviceId: string, thumbprints: ThumbprintPair, deadlineMs: number): Promise<'updated' | 'none'>;
  remove(deviceId: string, deadlineMs: number): Promise<'removed' | 'none'>;
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
  list(from: string | null, deadlineMs: number): Promise<IdentityPage>;
}
