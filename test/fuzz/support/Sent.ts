/** One request as sent. */
export interface Sent {
  method: string;
  /** Path and query, in ASCII. */
  target: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** The answer. */
export interface Received {
  status: number;
  contentType: string;
  text: string;
  /** All header lines as a single text. */
  headers: string;
}
