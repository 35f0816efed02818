/** @param at Unix ms */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** @param at Unix ms */
export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}
