/** A call outside that reached its deadline: what it asked for may have happened, or may still happen. */
export class CallTimeout extends Error {
  constructor() {
    super('no answer within the deadline');
    this.name = 'CallTimeout';
  }
}
