import type { AmqpError, link } from 'rhea';
import type { EpochMs } from '../../../../src/shared/time.js';
import type { AlarmClock } from '../engine/dependencies.js';

/** The times after which the broker ends unused links and connections. Infinity: never. */
export interface IdleTimes {
  /** Milliseconds after the last frame that concerned the link. */
  linkMs: number;
  /** Milliseconds after the end of the last link of the connection. Links to `$cbs` do not count, and are never idle. */
  connectionMs: number;
}

/** The times of Service Bus: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot */
export const serviceIdleTimes: IdleTimes = { linkMs: 600_000, connectionMs: 300_000 };

/** The ends of links and of the connection, carried out by the connection. */
export interface IdleEnds {
  detach(idle: link, error: AmqpError): void;
  closeConnection(error: AmqpError): void;
}

/** Watches the links of one connection, and ends unused links and then the unused connection, as Service Bus does. */
export class IdleWatch {
  readonly #times: IdleTimes;
  readonly #clock: AlarmClock;
  readonly #ends: IdleEnds;
  readonly #lastUses = new Map<link, EpochMs>();
  #emptySince: EpochMs;
  #isStopped = false;
  #alarm: { time: EpochMs; cancel: () => void } | undefined;

  constructor(times: IdleTimes, clock: AlarmClock, ends: IdleEnds) {
    this.#times = times;
    this.#clock = clock;
    this.#ends = ends;
    this.#emptySince = clock.now();
    this.#setAlarm();
  }

  /** Watches a link from now on. */
  begin(opened: link): void {
    this.#lastUses.set(opened, this.#clock.now());
    if (this.#lastUses.size === 1) this.#setAlarm();
  }

  /** Records a frame for a link. An alarm that then rings too early finds nothing to end, and is set again. */
  use(used: link): void {
    if (this.#lastUses.has(used)) this.#lastUses.set(used, this.#clock.now());
  }

  /** Forgets a link that has ended. */
  end(ended: link): void {
    if (!this.#lastUses.delete(ended) || this.#lastUses.size > 0) return;
    this.#emptySince = this.#clock.now();
    this.#setAlarm();
  }

  /** The connection has ended. */
  stop(): void {
    this.#isStopped = true;
    this.#alarm?.cancel();
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const time = this.#nextEnd();
    if (this.#isStopped || time === Infinity) return;
    this.#alarm = { time, cancel: this.#clock.schedule(time, () => this.#endIdle()) };
  }

  #nextEnd(): EpochMs {
    if (this.#lastUses.size === 0) return this.#emptySince + this.#times.connectionMs;
    return Math.min(...this.#lastUses.values()) + this.#times.linkMs;
  }

  #endIdle(): void {
    const now = this.#clock.now();
    for (const [each, lastUse] of this.#lastUses) {
      if (lastUse + this.#times.linkMs > now) continue;
      this.end(each);
      this.#ends.detach(each, idleLinkError(each, this.#times.linkMs));
    }
    if (this.#lastUses.size === 0 && this.#emptySince + this.#times.connectionMs <= now) {
      this.stop();
      this.#ends.closeConnection(idleConnectionError(this.#times.connectionMs));
      return;
    }
    this.#setAlarm();
  }
}

/** The error of Service Bus for an idle link. The broker's receiver is the publisher's link. */
function idleLinkError(idle: link, linkMs: number): AmqpError {
  const [code, origin] = idle.is_receiver()
    ? ['publisher', 'AmqpMessagePublisher']
    : ['consumer', 'AmqpMessageConsumer'];
  const time = new Date(linkMs).toISOString().slice(11, 19);
  return {
    condition: 'amqp:link:detach-forced',
    description: `The link '${idle.name}' is force detached. Code: ${code}. Details: ${origin}.IdleTimerExpired: Idle timeout: ${time}.`,
  };
}

const idleConnectionError = (connectionMs: number): AmqpError => ({
  condition: 'amqp:connection:forced',
  description: `The connection was inactive for more than the allowed ${connectionMs} milliseconds and is closed by container 'local-servicebus'.`,
});
