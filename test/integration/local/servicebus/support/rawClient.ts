import { once } from 'node:events';
import rhea, {
  type Connection,
  type EventContext,
  type Message,
  type Receiver,
  type ReceiverOptions,
  type Sender,
  type SenderOptions,
} from 'rhea';
import { accessToken, type TestBroker } from './useBroker.js';

/** A client without an SDK, for rules of the protocol that the JavaScript SDK does not depend on. */
export interface RawClient {
  connection: Connection;
  /** Opens a link and waits for the broker's answer. @param target another target than an address */
  sender(options: SenderOptions, target?: unknown): Promise<Sender>;
  receiver(options: ReceiverOptions): Promise<Receiver>;
  /** Sends a request to a management node and returns the answer. */
  request(node: string, request: Partial<Message>): Promise<Message>;
}

/** The mechanism that the .NET SDK requires. */
const mechanisms = {
  MSSBCBS: () => ({
    start: (callback: (error: Error | undefined, response: string) => void) => callback(undefined, ''),
  }),
};

/**
 * Connects with the SASL mechanism of the .NET SDK, and sends a token with all rights. The broker ends the connection when the
 * broker closes.
 */
export async function openRawClient(broker: TestBroker): Promise<RawClient> {
  const container = rhea.create_container();
  const connection = container.connect({
    host: '127.0.0.1',
    port: broker.port,
    reconnect: false,
    sasl_mechanisms: mechanisms,
  } as Parameters<typeof container.connect>[0]);
  // Without a listener, rhea throws the errors of refused links.
  for (const event of ['sender_error', 'receiver_error', 'connection_error', 'disconnected'])
    connection.on(event, () => {});
  await once(connection, 'connection_open');
  let requests = 0;

  const sender = async (options: SenderOptions, target?: unknown) => {
    const opened = connection.create_session();
    opened.begin();
    const link = opened.open_sender(options);
    // rhea has no option for a target of another kind. The attach frame is written at the next tick.
    if (target) Object.assign((link as unknown as { local: { attach: object } }).local.attach, { target });
    await once(link, 'sender_open');
    return link;
  };
  const receiver = async (options: ReceiverOptions) => {
    const opened = connection.create_session();
    opened.begin();
    const link = opened.open_receiver({ autoaccept: false, autosettle: false, ...options });
    await once(link, 'receiver_open');
    return link;
  };
  const request = async (node: string, given: Partial<Message>) => {
    const replyTo = `reply-${requests++}`;
    const session = connection.create_session();
    session.begin();
    const replies = session.open_receiver({ source: node, target: replyTo });
    const requestLink = session.open_sender({ target: node });
    await Promise.all([once(replies, 'receiver_open'), once(requestLink, 'sendable')]);
    const answered = once(replies, 'message') as Promise<[EventContext]>;
    requestLink.send({ message_id: replyTo, reply_to: replyTo, body: undefined, ...given });
    const [{ message }] = await answered;
    session.close();
    return message!;
  };
  const token = accessToken(`sb://127.0.0.1:${broker.port}/`);
  const answer = await request('$cbs', {
    body: token,
    application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: '' },
  });
  expect(answer.application_properties).toMatchObject({ 'status-code': 202 });
  return {
    connection,
    sender,
    receiver,
    request,
  };
}
