/** Something that starts invocations. */
export interface Trigger {
  /** Starts no more of them. Those that run may go on. */
  stop(): Promise<void>;
  /** Lets go of what it holds, when nothing runs any more. */
  close(): Promise<void>;
}
