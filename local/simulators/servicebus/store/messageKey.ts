/** A queue's share of the keys: more messages than one queue will ever see; 8,192 such shares are safe integers. */
const keysPerQueue = 2 ** 40;

/** One integer for a message, so that it is SQLite's row id: ordered within a queue, without an index of its own. */
export const messageKey = (queueId: number, sequenceNumber: number): number =>
  queueId * keysPerQueue + sequenceNumber;

export const queueIdOf = (key: number): number => Math.floor(key / keysPerQueue);

export const sequenceNumberOf = (key: number): number => key % keysPerQueue;
