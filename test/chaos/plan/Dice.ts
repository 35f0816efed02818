import { seededRandom } from '../../../local/simulators/shared/faults.js';

/** Random choices, the same for the same seed. */
export interface Dice {
  /** From 0 to 1. */
  chance(): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** Chooses an item. The probability of an item is proportional to the weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T;
}

export function createDice(seed: number): Dice {
  const chance = seededRandom(seed);
  const weighted: Dice['weighted'] = (choices) => {
    let left = chance() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return choices[choices.length - 1]![1];
  };
  return {
    chance,
    between: (least, most) => least + Math.floor(chance() * (most - least + 1)),
    pick: (from) => weighted(from.map((choice) => [1, choice] as const)),
    weighted,
  };
}
