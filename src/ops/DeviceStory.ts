import type { viewOf } from '../http/viewOf.js';
import type { StoryEvent } from '../record/DeviceRecord.js';

/** One device, with what happened to it, the oldest first. Times are ISO 8601. */
export interface DeviceStory {
  device: ReturnType<typeof viewOf> & {
    fleet: string | null;
    replays: number;
    firstSeenAt: string | null;
    completedAt: string | null;
    /** When the work that is owed is due; null if none is. */
    dueAt: string | null;
    hub: 'unknown' | 'none' | 'exists' | 'accepts-certificate' | 'accepts-other';
    /** Ops may replay it. */
    replayable: boolean;
    discarded: { at: string; by: string; reason: string } | null;
  };
  story: (Omit<StoryEvent, 'at'> & { at: string })[];
}
