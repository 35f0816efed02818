import type { AcceptTools } from '../accept.js';
import type { QueueManagement } from '../edges/queueManagement.js';
import type { HealthTools } from '../health.js';
import type { DiscardedLetters } from '../letters/openDiscardedLetters.js';
import type { Pace } from '../pace/Pace.js';
import type { Actions } from './actions/openActions.js';
import type { LetterBook } from './letters/openLetterBook.js';
import type { Samples } from './overview/openSamples.js';
import type { RecordBook } from './records/openRecordBook.js';

/** What ops work with. */
export interface OpsTools extends AcceptTools, HealthTools {
  pace: Pace;
  /** The hub's limit of registry operations. */
  operationsPerMinute: number;
  management: QueueManagement;
  recordBook: RecordBook;
  letterBook: LetterBook;
  discarded: DiscardedLetters;
  actions: Actions;
  samples: Samples;
}
