/** What the API answered other than what was asked for, in words for people. */
export class ApiError extends Error {
  /**
   * @param status 0 if there was no answer
   * @param code of the problem document; empty where there is none
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  static from(error: unknown): ApiError {
    return error instanceof ApiError ? error : new ApiError(0, '', `This should not happen: ${error}`);
  }
}
