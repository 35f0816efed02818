import type { ApiError } from '../api/ApiError.js';

/** What went wrong with something that was just tried. */
export function Problem({ error }: { error: ApiError | null }) {
  return <div role="alert">{error && <p class="banner">{error.message}</p>}</div>;
}
