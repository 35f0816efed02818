import type { DeviceRecord, StoryEvent } from './DeviceRecord.js';

/** About two kilobytes in a row that may have 64: a device that was in trouble for a day still shows how it began to be. */
const mostEvents = 24;

/** Adds to the device's story. An event that says what the last one said takes its place, so that hours of waiting are one line. */
export function tell(record: DeviceRecord, event: StoryEvent): void {
  const last = record.story.at(-1);
  if (last?.what === event.what && last.note === event.note) record.story.pop();
  record.story = [...record.story, event].slice(-mostEvents);
}
