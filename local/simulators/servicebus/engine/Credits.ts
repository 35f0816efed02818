import type { Clock } from '../../../../src/shared/time.js';
import { BrokerError } from './BrokerError.js';

/** The credits of one namespace in the standard tier, for each second. */
export const standardCredits = 1000;

/** What an operation costs: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling */
export const creditCosts = { message: 1, managementCall: 10 } as const;

const periodMs = 1000;

/** The counts since the start, or since the last change of the limit. */
export interface CreditCounts {
  /** Null without a limit. */
  perSecond: number | null;
  used: number;
  /** The operations that got the error ServerBusy. */
  refused: number;
  /** The seconds in which all credits were used up. */
  busySeconds: number;
}

/**
 * The throttle of a namespace. Service Bus gives new credits at the start of each second. While all credits are used up, Service Bus
 * refuses sends and requests, and delays deliveries. An operation may begin with the last credit: a batch then takes the rest of its
 * credits from the next seconds.
 */
export class Credits {
  readonly #clock: Pick<Clock, 'now'>;
  #perSecond: number;
  #left: number;
  #period: number;
  #busyPeriod = -1;
  #counts = { used: 0, refused: 0, busySeconds: 0 };

  /** @param perSecond Infinity: no limit; 0: every operation is refused */
  constructor(clock: Pick<Clock, 'now'>, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#period = this.#currentPeriod();
  }

  /** Changes the limit, and starts the counts again. */
  limitTo(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#period = this.#currentPeriod();
    this.#counts = { used: 0, refused: 0, busySeconds: 0 };
  }

  /**
   * Takes credits for an operation of a client.
   * @throws BrokerError `server-busy`
   */
  take(count: number): void {
    if (this.tryTake(count)) return;
    this.#counts.refused += 1;
    throw new BrokerError(
      'server-busy',
      'The request was terminated because the namespace localhost is being throttled. Error code : 50009. Please wait 2 seconds and ' +
        'try again. To know more visit https://aka.ms/sbResourceMgrExceptions and https://aka.ms/ServiceBusThrottling.',
    );
  }

  /** Takes credits for a delivery. @returns false if the delivery has to wait for `nextPeriod` */
  tryTake(count: number): boolean {
    this.#refill();
    if (this.#left <= 0) {
      this.#noteBusy();
      return false;
    }
    this.charge(count);
    return true;
  }

  /** Takes credits for an operation that has begun already. */
  charge(count: number): void {
    this.#left -= count;
    this.#counts.used += count;
  }

  /** The start of the next second, Unix ms. */
  nextPeriod(): number {
    return (this.#currentPeriod() + 1) * periodMs;
  }

  counts(): CreditCounts {
    return { perSecond: Number.isFinite(this.#perSecond) ? this.#perSecond : null, ...this.#counts };
  }

  #refill(): void {
    const period = this.#currentPeriod();
    if (period <= this.#period) return;
    this.#left = Math.min(this.#perSecond, this.#left + (period - this.#period) * this.#perSecond);
    this.#period = period;
  }

  #noteBusy(): void {
    if (this.#busyPeriod === this.#period) return;
    this.#busyPeriod = this.#period;
    this.#counts.busySeconds += 1;
  }

  #currentPeriod(): number {
    return Math.floor(this.#clock.now() / periodMs);
  }
}
