/** The two thumbprints (SHA-256, upper-case hex) that an identity accepts. */
export type ThumbprintPair = [primary: string, secondary: string];

/** What the hub holds for a device: nothing, an identity with two thumbprints, or one of another kind. */
export type IdentityState = 'none' | 'exists' | ThumbprintPair;

/**
 * The hub's device registry. Every call takes its deadline and throws ProvisioningError `hub-…` or `timed-out`; with
 * `outcomeUnknown`, what it asked for may still happen. Each is one registry operation.
 */
export interface HubRegistry {
  get(deviceId: string, deadlineMs: number): Promise<IdentityState>;
  create(deviceId: string, thumbprints: ThumbprintPair, deadlineMs: number): Promise<'created' | 'exists'>;
  update(deviceId: string, thumbprints: ThumbprintPair, deadlineMs: number): Promise<'updated' | 'none'>;
  remove(deviceId: string, deadlineMs: number): Promise<'removed' | 'none'>;
  close(): void;
}

/** An identity as a listing shows it. */
export interface ListedIdentity {
  deviceId: string;
  /** The thumbprints that it lets in, upper-case hex, SHA-256 or SHA-1; empty if it is disabled, or of another kind. */
  accepts: string[];
}

export interface IdentityPage {
  identities: ListedIdentity[];
  /** For the next page; null on the last one. */
  next: string | null;
}

/** The part of the hub that looks at all identities. */
export interface HubListing {
  /**
   * A page of all identities, at most 100, in no order. It costs one query, of which the hub allows far fewer than registry operations
   * (see `queriesPerMinute`). What it shows may be some minutes old.
   *
   * @param from `next` of the page before; null for the first page
   * @throws ProvisioningError `hub-…`, `timed-out`
   */
  list(from: string | null, deadlineMs: number): Promise<IdentityPage>;
}
