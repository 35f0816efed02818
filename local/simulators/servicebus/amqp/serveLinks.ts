import type { Connection, EventContext, link, Message, Receiver, Sender } from 'rhea';
import { notSupported } from '../engine/BrokerError.js';
import type { AlarmClock } from '../engine/dependencies.js';
import type { Engine } from '../engine/Engine.js';
import type { Right } from '../sharedAccess.js';
import { type Address, findQueue, parseAddress } from './address.js';
import { amqpError } from './amqpError.js';
import { Claims } from './claims.js';
import { type IdleTimes, IdleWatch } from './IdleWatch.js';
import { handleManagement } from './managementRequests.js';
import { serveConsumer, serveProducer } from './queueLinks.js';
import { mirrorSettleModes, refuseLink } from './rhea/links.js';
import { type Reply, serveRequests } from './serveRequests.js';

type SupportedAddress = Exclude<Address, { kind: 'unsupported' }>;

export interface LinkDependencies {
  engine: Engine;
  clock: AlarmClock;
  idle: IdleTimes;
}

/** The feature for which a client attaches a link with a filter. */
const featureOfFilter = (name: string): string =>
  name === 'com.microsoft:session-filter' ? 'message sessions' : `the filter ${name}`;

/** The links of one connection: links to queues, management nodes and `$cbs`. */
export class ConnectionLinks {
  readonly #engine: Engine;
  readonly #clock: AlarmClock;
  readonly #log: (text: string) => void;
  readonly #claims = new Claims();
  readonly #idle: IdleWatch;
  /** The links that the broker has accepted and that have not ended. */
  readonly #open = new Set<link>();
  /** For each link on which the client receives: the function that ends the consumer. */
  readonly #consumers = new Map<link, () => void>();
  /** The links on which the client receives replies, by their reply address. */
  readonly #replyLinks = new Map<string, Sender>();

  /**
   * Serves every link that the client opens on this connection.
   * @param log gets one line for each link that the broker closes with an error, and for the end of an idle connection
   */
  constructor(
    connection: Connection,
    { engine, clock, idle }: LinkDependencies,
    log: (text: string) => void,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#log = log;
    this.#idle = new IdleWatch(idle, clock, {
      detach: (unused, error) => {
        log(error.description!);
        this.#end(unused);
        unused.close(error);
      },
      closeConnection: (error) => {
        log(error.description!);
        for (const left of this.#open) left.close(error);
        connection.close(error);
      },
    });
    connection.on('receiver_open', ({ receiver }: EventContext) => this.#openReceiver(receiver!));
    connection.on('sender_open', ({ sender }: EventContext) => this.#openSender(sender!));
    for (const event of ['sender_close', 'sender_error', 'receiver_close', 'receiver_error']) {
      connection.on(event, ({ sender, receiver }: EventContext) => this.#end(sender ?? receiver));
    }
    connection.on('session_close', ({ session }: EventContext) => {
      for (const one of [...this.#open]) if (one.session === session) this.#end(one);
    });
  }

  /** Records a frame of the client for a link. */
  use(used: link): void {
    this.#idle.use(used);
  }

  /** Ends all consumers. Messages that the client holds stay locked until their locks expire. */
  endAll(): void {
    this.#idle.stop();
    for (const one of [...this.#open]) this.#end(one);
  }

  #openReceiver(receiver: Receiver): void {
    mirrorSettleModes(receiver);
    receiver.set_target({ address: receiver.target?.address });
    receiver.set_source({ address: receiver.source?.address as string });
    this.#accept(receiver, parseAddress(receiver.target?.address), 'Send', (address) => {
      const replyLink = (request: Message) => this.#replyLink(request, receiver);
      if (address.kind === 'cbs') {
        serveRequests(receiver, this.#engine, replyLink, (request) => this.#putToken(request));
        return;
      }
      // Every message and request looks the queue up again, because a client may have deleted and recreated the queue.
      const find = () => findQueue(this.#engine, address.queue);
      find();
      if (address.kind === 'queue') {
        if (address.part === 'dead') throw notSupported('sending to a dead-letter queue');
        serveProducer(receiver, find, this.#engine);
        return;
      }
      serveRequests(receiver, this.#engine, replyLink, (request, bytes) =>
        handleManagement(this.#engine, find(), address.part, { request, bytes }),
      );
    });
  }

  #openSender(sender: Sender): void {
    mirrorSettleModes(sender);
    sender.set_source({ address: sender.source?.address as string });
    sender.set_target({ address: sender.target?.address });
    this.#accept(sender, parseAddress(sender.source?.address as string), 'Listen', (address) => {
      if (address.kind !== 'queue') {
        const replyTo = sender.target?.address;
        if (replyTo) this.#replyLinks.set(replyTo, sender);
        return;
      }
      const [filter] = Object.keys(sender.source?.filter ?? {});
      if (filter !== undefined) throw notSupported(featureOfFilter(filter));
      const queue = findQueue(this.#engine, address.queue);
      const onDelivery = () => this.use(sender);
      this.#consumers.set(sender, serveConsumer(sender, queue, address.part, this.#engine, onDelivery));
    });
  }

  /** Checks the address and the client's rights, then serves the link. Closes the link with an error if either is refused. */
  #accept(opened: link, address: Address, right: Right, serve: (address: SupportedAddress) => void): void {
    try {
      if (address.kind === 'unsupported') throw notSupported(address.feature);
      if (address.kind !== 'cbs') this.#claims.check(address, right);
      serve(address);
      this.#open.add(opened);
      if (address.kind !== 'cbs') this.#idle.begin(opened);
    } catch (error) {
      this.#log(amqpError(error).description!);
      refuseLink(opened, amqpError(error));
    }
  }

  #end(ended: link | undefined): void {
    if (!ended) return;
    this.#open.delete(ended);
    this.#idle.end(ended);
    this.#consumers.get(ended)?.();
    this.#consumers.delete(ended);
    for (const [replyTo, sender] of this.#replyLinks) if (sender === ended) this.#replyLinks.delete(replyTo);
  }

  #replyLink({ reply_to: replyTo }: Message, receiver: Receiver): Sender | undefined {
    const found =
      this.#replyLinks.get(String(replyTo)) ??
      (receiver.session.find_sender(
        (sender: Sender) => sender.source?.address === receiver.target?.address,
      ) as Sender | undefined);
    if (found) this.use(found);
    return found;
  }

  #putToken(request: Message): Reply {
    this.#claims.add(String(request.body), this.#clock.now());
    return { status: 202 };
  }
}
