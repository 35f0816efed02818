/** The two thumbprints (SHA-256, upper-case hex) that an identity accepts. */
export type Slots = [primary: string, secondary: string];

/** What the hub holds for a device: nothing, an identity with two thumbprints, or one of another kind. */
export type Identity = 'none' | 'exists' | Slots;

/**
 * The hub's device registry. Every call takes its deadline and throws ProvisioningError `hub-…` or `timed-out`; with
 * `outcomeUnknown`, what it asked for may still happen. Each is one registry operation.
 */
export interface Hub {
  get(deviceId: string, deadlineMs: number): Promise<Identity>;
  create(deviceId: string, slots: Slots, deadlineMs: number): Promise<'created' | 'exists'>;
  update(deviceId: string, slots: Slots, deadlineMs: number): Promise<'updated' | 'none'>;
  remove(deviceId: string, deadlineMs: number): Promise<'removed' | 'none'>;
  close(): void;
}
