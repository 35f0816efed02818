/** The first digits of a device's UUID. Before the work of a command, the session replaces the digits by the full UUID. */
export class ShortUuid {
  /** @param digits at least 7, in lower case */
  constructor(readonly digits: string) {}
}
