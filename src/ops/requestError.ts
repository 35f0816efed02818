/** What ops asked for cannot be done as it is. The message says what to do; `code` is for programs. */
export class RequestError extends Error {
  constructor(
    readonly code: `ops.${string}`,
    message: string,
    readonly status: 400 | 404 | 409 = 400,
  ) {
    super(message);
    this.name = 'Refused';
  }
}
