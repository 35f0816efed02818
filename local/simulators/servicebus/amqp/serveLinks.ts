import type { Connection, EventContext, link, Message, Receiver, Sender } from 'rhea';
import { notSupported } from '../engine/BrokerError.js';
import type { AlarmClock } from '../engine/dependencies.js';
import type { Engine } from '../engine/Engine.js';
import type { Right } from '../sharedAccess.js';
import { type Address, findQueue, parseAddress } from './address.js';
import { amqpError } from './amqpError.js';
import { Claims } from './claims.js';
import { handleManagement } from './managementRequests.js';
import { serveConsumer, serveProducer } from './queueLinks.js';
import { mirrorSettleModes, refuseLink } from './rhea/links.js';
import { type Reply, serveRequests } from './serveRequests.js';

type SupportedAddress = Exclude<Address, { kind: 'unsupported' }>;

/** The feature for which a client attaches a link with a filter. */
const featureOfFilter = (name: string): string =>
  name === 'com.microsoft:session-filter' ? 'message sessions' : `the filter ${name}`;

/** The links of one connection: links to queues, management nodes and `$cbs`. */
export class ConnectionLinks {
  readonly #engine: Engine;
  readonly #clock: AlarmClock;
  readonly #log: (text: string) => void;
  readonly #claims = new Claims();
  /** For each link on which the client receives: the function that ends the consumer. */
  readonly #consumers = new Map<link, () => void>();
  /** The links on which the client receives replies, by their reply address. */
  readonly #replyLinks = new Map<string, Sender>();

  /** @param log gets one line for each link that the broker closes with an error */
  constructor(engine: Engine, clock: AlarmClock, log: (text: string) => void) {
    this.#engine = engine;
    this.#clock = clock;
    this.#log = log;
  }

  /** Serves every link that the client opens on this connection. */
  serve(connection: Connection): void {
    connection.on('receiver_open', ({ receiver }: EventContext) => this.#openReceiver(receiver!));
    connection.on('sender_open', ({ sender }: EventContext) => this.#openSender(sender!));
    for (const event of ['sender_close', 'sender_error', 'receiver_close', 'receiver_error']) {
      connection.on(event, ({ sender }: EventContext) => this.#end(sender));
    }
    connection.on('session_close', ({ session }: EventContext) => {
      for (const one of [...this.#consumers.keys()]) if (one.session === session) this.#end(one);
    });
  }

  /** Ends all consumers. Messages that the client holds stay locked until their locks expire. */
  endAll(): void {
    for (const one of [...this.#consumers.keys()]) this.#end(one);
  }

  #openReceiver(receiver: Receiver): void {
    mirrorSettleModes(receiver);
    receiver.set_target({ address: receiver.target?.address });
    receiver.set_source({ address: receiver.source?.address as string });
    this.#open(receiver, parseAddress(receiver.target?.address), 'Send', (address) => {
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
        handleManagement(find(), address.part, request, bytes),
      );
    });
  }

  #openSender(sender: Sender): void {
    mirrorSettleModes(sender);
    sender.set_source({ address: sender.source?.address as string });
    sender.set_target({ address: sender.target?.address });
    this.#open(sender, parseAddress(sender.source?.address as string), 'Listen', (address) => {
      if (address.kind !== 'queue') {
        const replyTo = sender.target?.address;
        if (replyTo) this.#replyLinks.set(replyTo, sender);
        return;
      }
      const [filter] = Object.keys(sender.source?.filter ?? {});
      if (filter !== undefined) throw notSupported(featureOfFilter(filter));
      const queue = findQueue(this.#engine, address.queue);
      this.#consumers.set(sender, serveConsumer(sender, queue, address.part, this.#engine));
    });
  }

  /** Checks the address and the client's rights, then serves the link. Closes the link with an error if either is refused. */
  #open(opened: link, address: Address, right: Right, serve: (address: SupportedAddress) => void): void {
    try {
      if (address.kind === 'unsupported') throw notSupported(address.feature);
      if (address.kind !== 'cbs') this.#claims.check(address, right);
      serve(address);
    } catch (error) {
      this.#log(amqpError(error).description!);
      refuseLink(opened, amqpError(error));
    }
  }

  #end(ended: link | undefined): void {
    if (!ended) return;
    this.#consumers.get(ended)?.();
    this.#consumers.delete(ended);
    for (const [replyTo, sender] of this.#replyLinks) if (sender === ended) this.#replyLinks.delete(replyTo);
  }

  #replyLink({ reply_to: replyTo }: Message, receiver: Receiver): Sender | undefined {
    return (
      this.#replyLinks.get(String(replyTo)) ??
      (receiver.session.find_sender(
        (sender: Sender) => sender.source?.address === receiver.target?.address,
      ) as Sender | undefined)
    );
  }

  #putToken(request: Message): Reply {
    this.#claims.add(String(request.body), this.#clock.now());
    return { status: 202 };
  }
}
