import { listActions } from '../../../../src/ops/bulk/read.js';
import { openActions } from '../../../../src/ops/bulk/repository.js';
import { fleet, fleetDependencies, uuidOf } from '../../../support/fleetTools.js';
import { memoryTable } from '../../../support/memoryTable.js';
import { runWith } from '../../../support/runWith.js';

const [one, two] = [1, 2].map(uuidOf) as [string, string];

/** The dependencies of the CLI, and the audit as `actions list` shows the audit. */
function system() {
  const found = fleetDependencies();
  const app = {
    ...found.deps,
    actions: openActions(memoryTable<unknown>()),
    rateLimiter: { nextFree: async () => 0, due: async () => 0 },
    config: { defaultService: 'main', fleets: [fleet], renewAt: 0.8 },
    operationsPerMinute: 100,
  };
  return { ...found, app, audit: async () => (await listActions(app as never)).actions };
}

describe('the audit has each request of the CLI', () => {
  test('provision and deprovision: operator, device, service and answer', async () => {
    const { app, audit } = system();
    await runWith(app, ['provision', one, '--service', 'sensor', '--by', 'Ada']);
    await runWith(app, ['deprovision', one, '--yes', '--by', 'Ben']);
    const rows = await audit();
    expect(rows).toHaveLength(2);
    expect(rows.find(({ kind }) => kind === 'provision')).toMatchObject({
      ...{ startedBy: 'Ada', filter: { uuid: one }, service: 'sensor', answer: 'accepted', note: null },
    });
    expect(rows.find(({ kind }) => kind === 'deprovision')).toMatchObject({
      ...{ startedBy: 'Ben', filter: { uuid: one }, service: null, answer: 'accepted' },
    });
    const { text } = await runWith(app, ['actions', 'list']);
    expect(text).toMatch(/provision 1 .*accepted .*Ada/);
  });

  test('the operator is the user of this machine, unless --by names another one', async () => {
    const { app, audit } = system();
    await runWith(app, ['provision', one]);
    expect((await audit())[0]?.startedBy).toMatch(/^.+@.+$/);
    for (const name of ['', ' ', 'x'.repeat(101)])
      await expect(runWith(app, ['provision', one, '--by', name])).rejects.toThrow('1 to 100 characters');
    expect(await audit()).toHaveLength(1);
  });

  test('a refused request with its reason, and an answer that is not known', async () => {
    const { app, audit, queue } = system();
    await runWith(app, ['provision', one]);
    const now = app.clock.now();
    await app.records.amend(one, (found) => ({
      ...found!,
      job: { ...found!.job!, dead: { at: now } },
      error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: now },
      coolDownUntil: now + 60_000,
    }));
    await expect(runWith(app, ['provision', one, '--by', 'Ben'])).rejects.toMatchObject({
      code: 'service-not-found',
      exitCode: 4,
    });
    expect((await audit()).find(({ by }) => by === 'Ben')).toMatchObject({
      answer: 'refused (ops.failed-before)',
      note: expect.stringContaining('No such service.'),
    });
    queue.fails = true;
    await expect(runWith(app, ['provision', two, '--by', 'Eve'])).rejects.toThrow();
    expect((await audit()).find(({ by }) => by === 'Eve')?.answer).toBe('not known (queue-unavailable)');
  });

  test('a deprovisioning that is not confirmed, and a dry run, leave no row', async () => {
    const { app, add, audit } = system();
    add(one);
    const confirm = async () => false;
    await expect(runWith(app, ['deprovision', one], { confirm })).rejects.toMatchObject({
      code: 'not-confirmed',
    });
    await runWith(app, ['fleet', fleet, '--dry-run']);
    expect(await audit()).toEqual([]);
  });

  test('a fleet: one row with the counts', async () => {
    const { app, add, audit } = system();
    for (let index = 1; index <= 250; index += 1) add(uuidOf(index));
    await runWith(app, ['fleet', fleet, '--no-follow', '--by', 'Ada']);
    expect(await audit()).toMatchObject([
      {
        ...{ kind: 'fleet', startedBy: 'Ada', filter: { fleet }, service: 'main', byFleet: { [fleet]: 250 } },
        ...{ answer: 'requested 250 of 250', note: null },
      },
    ]);
  });

  test('an unknown fleet is refused, with the fleets that exist', async () => {
    const { app, hide, audit } = system();
    hide('my_org/nope');
    const devices = [{ fleet: 'my_org/two' }, { fleet: null }, { fleet }];
    const known = { ...app, deviceSnapshots: { read: async () => ({ devices }) } };
    for (const more of [['--dry-run'], ['--by', 'Ada']])
      await expect(runWith(known, ['fleet', 'my_org/nope', ...more])).rejects.toMatchObject({
        code: 'ops.unknown-fleet',
        message: expect.stringMatching(
          /does not see the fleet my_org\/nope.* Fleets with records: my_org\/one, my_org\/two\.$/,
        ),
      });
    expect(await audit()).toMatchObject([{ startedBy: 'Ada', answer: 'refused (ops.unknown-fleet)' }]);
  });

  test('a fleet that was interrupted: how many devices were requested', async () => {
    const { app, add, audit } = system();
    for (let index = 1; index <= 250; index += 1) add(uuidOf(index));
    const interrupt = new AbortController();
    const { queue } = app;
    const send: typeof queue.send = async (...sent) => {
      interrupt.abort();
      return queue.send(...sent);
    };
    const { code } = await runWith({ ...app, queue: { ...queue, send } }, ['fleet', fleet, '--by', 'Ada'], {
      interruptSignal: () => interrupt.signal,
    });
    expect(code).toBe(130);
    expect((await audit())[0]).toMatchObject({
      answer: expect.stringMatching(/^requested \d+ of the first \d+$/),
      note: 'The rest of the fleet was not requested.',
    });
  });
});
