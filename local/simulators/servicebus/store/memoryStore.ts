import type { MessageStore } from './MessageStore.js';

/** Keeps nothing: the engine holds all there is. */
export const memoryStore = (): MessageStore => ({
  load: () => [],
  commit() {},
  sync: undefined,
  payload: undefined,
  close() {},
});
