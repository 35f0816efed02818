/** Who asks is not who they must be. The message says what is expected, and nothing about what was wrong. */
export class Unauthorized extends Error {
  constructor(
    readonly code: 'webhook.unauthorized' | 'provision.proof-missing' | 'provision.proof-wrong',
    message: string,
  ) {
    super(message);
    this.name = 'Unauthorized';
  }
}
