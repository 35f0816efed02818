import { virtualWorker } from '../../support/virtualWorker.js';

const seconds = 1_000;
const minutes = 60 * seconds;
const uuidOf = (i: number) => i.toString(16).padStart(32, '0');
const victim = uuidOf(100);

/** 400 devices wait, and the victim is the 100th. @returns how long the victim waits, ms */
async function waitOfVictim(attack: (worker: ReturnType<typeof virtualWorker>) => Promise<void>) {
  const worker = virtualWorker({ perMinute: 100, balenaPerMinute: 30_000, hasDevice: () => true });
  for (let i = 0; i < 400; i += 1) await worker.request({ uuid: uuidOf(i), service: 'main', present: true });
  await worker.until(() => worker.counts.balena >= 400, minutes);
  await attack(worker);
  return worker.until(async () => (await worker.record(victim)).observed.thumbprint !== null, 20 * minutes);
}

describe("another caller's request takes no device's place in the line", () => {
  const request = (service: string) => ({ uuid: victim, service, present: true }) as const;
  const oneSecondLater = (worker: ReturnType<typeof virtualWorker>) => {
    const from = worker.clock.at;
    return worker.until(() => worker.clock.at >= from + seconds, minutes);
  };

  test.each<[string, string[]]>([
    ['a service that does not exist', ['typo']],
    ['another service that exists', ['']],
    ['another service, and the first one again', ['', 'main']],
    ['several wrong services, and the first one again', ['typo', 'x', 'y', 'main']],
  ])('%s', async (_, services) => {
    const alone = await waitOfVictim(async () => {});
    const attacked = await waitOfVictim(async (worker) => {
      for (const service of services) {
        await worker.request(request(service));
        await oneSecondLater(worker);
      }
    });
    // Each use of the place is counted. The last of the line would wait four times as long.
    expect(attacked).toBeLessThanOrEqual(alone + 5 * seconds);
  });

  test('requests that cross within the same moment', async () => {
    const alone = await waitOfVictim(async () => {});
    const attacked = await waitOfVictim(async (worker) => {
      for (const service of ['typo', '', 'main', 'x', 'main']) await worker.request(request(service));
    });
    expect(attacked).toBeLessThanOrEqual(alone + 5 * seconds);
  });
});
