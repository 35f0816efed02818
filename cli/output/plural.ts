/** "1 device", "2 devices". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** "250 service-not-found, 3 device-not-found"; the first ones where there are many. */
export function counted(counts: Record<string, number>, most = 6): string {
  const all = Object.entries(counts);
  const shown = all.slice(0, most).map(([name, count]) => `${count} ${name}`);
  const others = all.slice(most).reduce((sum, [, count]) => sum + count, 0);
  return [...shown, ...(others > 0 ? [`${others} others`] : [])].join(', ');
}
