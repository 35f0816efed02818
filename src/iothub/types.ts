/** The two thumbprints (SHA-256, upper-case hex) that an identity accepts. */
export type ThumbprintPair = [primary: string, secondary: string];

/** The identity of a device, as the hub holds it. */
export interface HubIdentity {
  /** The thumbprints; null for an identity with another kind of authentication. A disabled identity accepts neither. */
  thumbprints: ThumbprintPair | null;
  isDisabled: boolean;
  version: IdentityVersion;
}

/** The version of an identity that an update replaces. The hub refuses the update if the identity has changed since. */
export interface IdentityVersion {
  etag: string;
  /**
   * Every property beside the authentication, as read: capabilities, status, reason, scope, and whatever else the hub shows. An update
   * sends them back, because a PUT replaces the whole identity. Null if the identity has no other properties than a new one.
   */
  properties: Readonly<Record<string, unknown>> | null;
}

/**
 * The hub's device registry. Every call is one registry operation, and ends after `timeoutMs` at the latest. Every call throws
 * ProvisioningError `hub-…` or `timed-out`. If `outcomeUnknown` is set, the operation may still take effect later.
 */
export interface HubRegistry {
  get(deviceId: string, timeoutMs: number): Promise<HubIdentity | 'none'>;
  /** Creates an identity with default properties. */
  create(
    deviceId: string,
    thumbprints: ThumbprintPair,
    timeoutMs: number,
  ): Promise<IdentityVersion | 'exists'>;
  /**
   * Replaces the thumbprints of an identity. All other properties stay.
   *
   * @param version the version to replace
   * @returns the new version; `changed` if the hub holds another version, or possibly none
   */
  update(
    deviceId: string,
    thumbprints: ThumbprintPair,
    version: IdentityVersion,
    timeoutMs: number,
  ): Promise<IdentityVersion | 'changed' | 'none'>;
  /** Removes the identity, whatever its version. */
  remove(deviceId: string, timeoutMs: number): Promise<'removed' | 'none'>;
  /** Asks the hub about no device of ours: whether the hub answers, and accepts our credentials. Costs one registry operation. */
  ping(timeoutMs: number): Promise<void>;
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
