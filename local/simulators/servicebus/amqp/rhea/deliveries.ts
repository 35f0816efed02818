import rhea, { type Delivery } from 'rhea';
import { accepted, rejected } from '../amqpError.js';
import { internals } from './internals.js';

/** Replaces message format 0. rhea decodes messages of format 0 and thereby loses the AMQP types of the values. */
export const undecodedFormat = 0xffffffff;

/** The format of a message that rhea left undecoded. */
export const formatOf = (delivery: Delivery): number =>
  delivery.format === undecodedFormat ? 0 : delivery.format;

/** A value with its AMQP type, as rhea decodes a frame. The value of a list or map is an array of such values. */
interface Typed {
  value?: unknown;
}

const fieldOf = (composite: unknown, at: number): Typed | undefined =>
  (composite as { value?: (Typed | undefined)[] } | undefined)?.value?.[at];

/**
 * The annotations of a delivery that the peer has settled as modified (AMQP 1.0 part 3, section 3.4.5).
 * @returns an encoded list of keys and values in turn; undefined without annotations
 */
export const modifiedAnnotations = ({ remote_state: state }: Delivery): Buffer | undefined =>
  encodeEntries(fieldOf(state, 2));

/**
 * The `info` of the error of a delivery that the peer has settled as rejected (AMQP 1.0 part 3, section 3.4.2).
 * @returns an encoded list of keys and values in turn; undefined without `info`
 */
export const rejectedInfo = ({ remote_state: state }: Delivery): Buffer | undefined =>
  encodeEntries(fieldOf(fieldOf(state, 0), 2));

const { Writer } = rhea.types as unknown as {
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
};

/** Encodes the entries of a map. Each value keeps the type that the peer sent. */
function encodeEntries(map: Typed | undefined): Buffer | undefined {
  if (!Array.isArray(map?.value)) return undefined;
  const writer = new Writer();
  writer.write(rhea.types.wrap_list(map.value));
  return writer.toBuffer();
}

const disposition = rhea.types.define_composite({
  name: 'disposition',
  code: 0x15,
  fields: [
    { name: 'role', type: 'boolean' },
    { name: 'first', type: 'uint' },
    { name: 'last', type: 'uint' },
    { name: 'settled', type: 'boolean' },
    { name: 'state', type: '*' },
  ],
}) as unknown as { create(fields: Record<string, unknown>): unknown };

/** Settles a delivery as accepted. rhea combines consecutive deliveries into one disposition. */
export function accept(delivery: Delivery): void {
  delivery.update(true, accepted);
  // The SDK does not report its own settlement again. Without this flag rhea would keep the delivery forever.
  (delivery as { remote_settled: boolean }).remote_settled = true;
}

/**
 * Settles a delivery with an error, in a disposition of its own. rhea (3.0.5) compares the outcomes of neighbouring
 * deliveries only from the third delivery on. In a shared disposition, a rejection directly after an acceptance would
 * therefore become an acceptance.
 */
export function reject(delivery: Delivery, error: unknown): void {
  const settling = delivery as { settled: boolean; remote_settled: boolean };
  settling.settled = true;
  settling.remote_settled = true;
  const { id, link: of } = delivery;
  const fields = { role: of.is_receiver(), first: id, last: id, settled: true, state: rejected(error) };
  internals.session(of.session).output(disposition.create(fields));
  internals.connection(of.connection)._register();
}
