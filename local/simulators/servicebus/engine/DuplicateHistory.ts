/** The message ids that a queue has seen within its window. */
export class DuplicateHistory {
  /** Until when each id counts, milliseconds since 1970; oldest first. */
  readonly #until = new Map<string, number>();

  has(messageId: string, now: number): boolean {
    const until = this.#until.get(messageId);
    return until !== undefined && until > now;
  }

  add(messageId: string, until: number): void {
    this.#until.delete(messageId);
    this.#until.set(messageId, until);
  }

  delete(messageId: string): void {
    this.#until.delete(messageId);
  }

  /** Forgets ids whose time is over. @returns these ids */
  expire(now: number): string[] {
    const expired: string[] = [];
    for (const [id, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(id);
      expired.push(id);
    }
    return expired;
  }
}
