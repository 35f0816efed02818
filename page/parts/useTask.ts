import { useState } from 'preact/hooks';
import { ApiError } from '../api/ApiError.js';

export interface Task {
  isBusy: boolean;
  error: ApiError | null;
  /** Does it, unless something is being done already. */
  run(what: () => Promise<void>): Promise<void>;
}

/** Something that a click does, once at a time. */
export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  return {
    isBusy,
    error,
    async run(what) {
      if (isBusy) return;
      setBusy(true);
      setError(null);
      try {
        await what();
      } catch (failure) {
        setError(ApiError.from(failure));
      } finally {
        setBusy(false);
      }
    },
  };
}
