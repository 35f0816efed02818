import type { StartRequest } from '../../src/ops/bulk/start.js';
import { plural } from '../format.js';

/** The texts of the fields. An empty text means the default of the API. */
export interface ReplayChoice {
  limit: string;
  rate: string;
  ramp: boolean;
}

/** The default of the API for every option. */
export const noChoice: ReplayChoice = { limit: '', rate: '', ramp: false };

/**
 * The request that starts a replay with these options. Texts that are no valid number are left out.
 *
 * @param planned the number of requests in the plan
 */
export function startOf({ limit, rate, ramp }: ReplayChoice, planned: number): StartRequest {
  const [most, perMinute] = [Math.floor(Number(limit)), Number(rate)];
  return {
    ramp,
    ...(most >= 1 && most < planned && { limit: most }),
    ...(perMinute > 0 && { rate: perMinute }),
  };
}

interface Props {
  choice: ReplayChoice;
  planned: number;
  onChange(choice: ReplayChoice): void;
}

/** The options of a replay: number, rate, and growing waves. */
export function ReplayOptions({ choice, planned, onChange }: Props) {
  return (
    <fieldset>
      <legend class="hidden">How to replay</legend>
      <div class="grid">
        <label>
          Number of requests
          <input
            type="number"
            min={1}
            max={planned}
            value={choice.limit}
            placeholder={`all ${plural(planned, 'request')}`}
            onInput={(event) => onChange({ ...choice, limit: event.currentTarget.value })}
          />
          <small>The oldest failures come first.</small>
        </label>
        <label>
          Requests a minute
          <input
            type="number"
            min={1}
            value={choice.rate}
            placeholder="as the hub allows"
            onInput={(event) => onChange({ ...choice, rate: event.currentTarget.value })}
          />
          <small>A lower rate leaves room for new devices.</small>
        </label>
      </div>
      <label>
        <input
          type="checkbox"
          checked={choice.ramp}
          onChange={(event) => onChange({ ...choice, ramp: event.currentTarget.checked })}
        />
        In growing waves of 10, 20, 40 … requests. The replay stops when more than one in ten fail again.
      </label>
    </fieldset>
  );
}
