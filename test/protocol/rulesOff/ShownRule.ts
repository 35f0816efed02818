import type { RuleOff } from '../support/RuleOff.js';
import type { Scenario } from '../support/Scenario.js';

/** A rule of the protocol, and what happens when the rule is switched off. */
export interface ShownRule {
  /** The rule, and the way to switch the rule off. */
  rule: string;
  off: RuleOff;
  /** The system to compare with; default: the whole protocol. */
  on?: RuleOff;
  /** The violations that appear without the rule. */
  seen: string[];
  /** The common part of the histories; the rest is random. With the rule on, histories with a violation show none. */
  histories?: Partial<Scenario>;
  /** The most histories to search: several times as many as necessary. */
  within: number;
}
