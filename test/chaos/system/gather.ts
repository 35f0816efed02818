import type { DeadLetter, DeviceEvidence, Variables } from '../check/Evidence.js';
import type { Ask } from '../history/Ask.js';
import type { PlannedDevice } from '../plan/Plan.js';
import { control } from './control.js';
import { readHub } from './readHub.js';
import { readView } from './readView.js';
import type { System } from './startSystem.js';

/** Reads the final state of every device through the public interfaces. */
export async function gather(
  { stack }: System,
  devices: readonly PlannedDevice[],
  asks: readonly Ask[],
  deadLetters: readonly DeadLetter[],
  onAnswer: (text: string) => void,
): Promise<DeviceEvidence[]> {
  const { iotHub, balena } = stack.simulators;
  if (!iotHub) throw new Error('there is no IoT Hub simulator');
  const identities = await readHub(iotHub.endpoints);
  const evidence: DeviceEvidence[] = [];
  for (const device of devices) {
    const { uuid, exists } = device;
    const answer = await readView(stack.endpoints.functions, uuid);
    if (answer) onAnswer(answer.text);
    evidence.push({
      device,
      asks: asks.filter(({ wish }) => wish.uuid === uuid).toSorted((a, b) => a.sentAt - b.sentAt),
      view: answer?.view ?? null,
      deadLetters: deadLetters.filter((deadLetter) => deadLetter.uuid === uuid),
      identity: identities.get(uuid) ?? null,
      variables: exists
        ? (await control<{ variables: Variables }>(balena?.endpoints.controlUrl, `GET /devices/${uuid}`))
            .variables
        : null,
    });
  }
  return evidence;
}
