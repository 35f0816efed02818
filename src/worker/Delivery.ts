/** One delivery of a message to a worker. */
export interface Delivery {
  /** Where it stands in the queue. */
  sequenceNumber: string;
  /** When it became active, by the broker's clock, Unix ms. */
  enqueuedAt: number;
  /**
   * Moves it to the dead-letter queue. To return completes it, and to throw abandons it.
   *
   * @throws if it cannot be settled now: then throw, and the redelivery settles it
   */
  deadLetter(reason: string, description: string): Promise<void>;
  log(line: string): void;
}
