import type { StartRequest } from '../../src/ops/bulk/start.js';
import { plural } from '../format.js';

/** As it stands in the fields; empty: as the API does by itself. */
export interface ReplayChoice {
  limit: string;
  rate: string;
  ramp: boolean;
}

export const noChoice: ReplayChoice = { limit: '', rate: '', ramp: false };

/** What the API is to be told. @param planned how many there are in the set */
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

/** How many, how fast, and how carefully. */
export function ReplayOptions({ choice, planned, onChange }: Props) {
  return (
    <fieldset>
      <legend class="hidden">How to replay</legend>
      <div class="grid">
        <label>
          How many
          <input
            type="number"
            min={1}
            max={planned}
            value={choice.limit}
            placeholder={`all ${plural(planned, 'request')}`}
            onInput={(event) => onChange({ ...choice, limit: event.currentTarget.value })}
          />
          <small>Those that failed first.</small>
        </label>
        <label>
          How many a minute
          <input
            type="number"
            min={1}
            value={choice.rate}
            placeholder="as the hub allows"
            onInput={(event) => onChange({ ...choice, rate: event.currentTarget.value })}
          />
          <small>Slower leaves room for new devices.</small>
        </label>
      </div>
      <label>
        <input
          type="checkbox"
          checked={choice.ramp}
          onChange={(event) => onChange({ ...choice, ramp: event.currentTarget.checked })}
        />
        In growing waves: 10 first, then 20, 40 …; it stops by itself when more than one in ten fail again
      </label>
    </fieldset>
  );
}
