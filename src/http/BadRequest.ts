/** A request that cannot be taken as it is. The message says what to send. */
export class BadRequest extends Error {
  constructor(
    readonly code: `${'provision' | 'webhook' | 'ops'}.request.${string}`,
    message: string,
    readonly status: 400 | 413 = 400,
  ) {
    super(message);
    this.name = 'BadRequest';
  }
}
