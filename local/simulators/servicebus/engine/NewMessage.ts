/** What a sender gives. */
export interface NewMessage {
  /** Opaque to the engine. */
  payload: Buffer;
  messageId?: string | undefined;
  /** Not to be delivered before, milliseconds since 1970. */
  scheduledFor?: number | undefined;
  timeToLiveMs?: number | undefined;
}
