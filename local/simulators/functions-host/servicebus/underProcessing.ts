import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Settler } from './createSettler.js';

/** A message that a function is working on; it can be settled until the function ends. */
export interface MessageUnderProcessing {
  message: ServiceBusReceivedMessage;
  settler: Settler;
  /** What the function had done to it through the Settlement service, in the past tense. */
  settled?: 'completed' | 'abandoned' | 'dead-lettered';
}

/** By lock token. */
export type UnderProcessing = Map<string, MessageUnderProcessing>;
