/** What was seen in the last minute, to the second. */
export interface LastMinute {
  add(value: number): void;
  sum(): number;
  /** 0 if there was nothing. */
  most(): number;
}

const seconds = 60;

/** @param now Unix ms */
export function lastMinute(now: () => number): LastMinute {
  const slots = Array.from({ length: seconds }, () => ({ second: 0, sum: 0, most: 0 }));
  const second = () => Math.floor(now() / 1_000);
  const recent = () => slots.filter((slot) => second() - slot.second < seconds);
  return {
    add(value) {
      const at = second();
      const slot = slots[at % seconds]!;
      if (slot.second !== at) Object.assign(slot, { second: at, sum: 0, most: 0 });
      slot.sum += value;
      slot.most = Math.max(slot.most, value);
    },
    sum: () => recent().reduce((sum, slot) => sum + slot.sum, 0),
    most: () => recent().reduce((most, slot) => Math.max(most, slot.most), 0),
  };
}
