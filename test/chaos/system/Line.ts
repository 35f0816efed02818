/** The output of the processes. */
export interface Line {
  /** Milliseconds from the start of the run. */
  at: number;
  process: string;
  text: string;
}
