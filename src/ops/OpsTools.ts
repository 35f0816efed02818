import type { AcceptTools } from '../accept.js';
import type { DiscardedLetters } from '../letters/openDiscardedLetters.js';
import type { Pace } from '../pace/Pace.js';
import type { Actions } from './actions/openActions.js';
import type { LetterBook } from './letters/openLetterBook.js';

/** What ops work with. */
export interface OpsTools extends AcceptTools {
  pace: Pace;
  /** The hub's limit of registry operations. */
  operationsPerMinute: number;
  letterBook: LetterBook;
  discarded: DiscardedLetters;
  actions: Actions;
}
