/** One request as it goes out. */
export interface Sent {
  method: string;
  /** Path and query, in ASCII. */
  target: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What came back. */
export interface Received {
  status: number;
  contentType: string;
  text: string;
  /** All header lines, as one text. */
  headers: string;
}
