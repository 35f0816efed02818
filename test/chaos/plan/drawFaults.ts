import type { Fault } from '../../../local/simulators/shared/faults.js';
import type { Dice } from './Dice.js';
import type { Side } from './Plan.js';

/**
 * How late a request may take effect after sending, ms. Less than the lease's grace of the run: the protocol relies on this
 * bound only.
 */
export const latestEffectMs = 3_000;

const paths: Record<Side, string> = { hub: '^/devices/', balena: '^/v7/' };

/**
 * Draws faults of one dependency for a while: slow, throttled, failed, silent or incomplete answers, with or without the effect
 * of the request.
 */
export function drawFaults(dice: Dice, side: Side): Fault[] {
  const path = paths[side];
  const probability = dice.pick([0.15, 0.4, 0.8, 1]);
  const slow: Fault = { path, delayMs: [20, dice.between(100, 800)] };
  const fault = dice.weighted<() => Fault>([
    [2, () => slow],
    [3, () => ({ path, probability, ...throttling(dice, side) })],
    [4, () => ({ path, probability, status: dice.pick([500, 502, 503]), effect: effect(dice) })],
    [4, () => ({ path, probability, reset: true, effect: effect(dice) })],
    [4, () => ({ path, probability, hang: true, effect: effect(dice) })],
    [3, () => ({ path, probability, halfAnswer: true, effect: effect(dice) })],
    [1, () => ({ path, probability: 1, status: 401 })],
  ])();
  return dice.chance() < 0.3 ? [slow, fault] : [fault];
}

function throttling(dice: Dice, side: Side): Partial<Fault> {
  const seconds = dice.between(1, 2);
  if (side === 'balena') return { status: 429, headers: { 'Retry-After': String(seconds) } };
  const Message = `ErrorCode:ThrottlingBacklogTimeout;The request has been throttled. Wait ${seconds} seconds and try again.`;
  return { status: 429, body: { Message, ExceptionMessage: '' } };
}

function effect(dice: Dice): NonNullable<Fault['effect']> {
  return dice.weighted<NonNullable<Fault['effect']>>([
    [1, 'none'],
    [2, 'now'],
    [2, { lateMs: dice.between(50, latestEffectMs) }],
  ]);
}
