/** Whether the screen is as narrow as a phone, as the styles decide it. */
export function isNarrow(): boolean {
  return matchMedia('(max-width: 40rem)').matches;
}
