import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDocument } from '../../local/docs/documents.js';
import { connectionStringFor } from '../../local/simulators/servicebus/sharedAccess.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { systemStatus } from '../../src/health/statusSchema.js';
import { type Action, action, actionPage } from '../../src/ops/bulk/schema.js';
import { deadLetterPage } from '../../src/ops/deadLetters/schema.js';
import { deviceHistory, recordPage } from '../../src/ops/devices/schema.js';
import { overview } from '../../src/ops/overview/schema.js';
import { cliArguments, commandsOf, runnableBlocks } from '../support/documentCommands.js';
import { waitFor } from '../support/waitFor.js';
import { addSamples } from './support/addSamples.js';
import { appOf } from './support/appOf.js';
import { useCli } from './support/cli.js';
import { runCommands } from './support/runCommands.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem({ devices: 2 });
const { balena, ops, stack } = system;
const { serviceBus, tables, iotHub } = stack.endpoints;
if (!serviceBus || !tables || !iotHub) throw new Error('a simulator is missing');
const cli = useCli(['--folder', system.folder]);

interface Failure {
  error: { code: string; message: string };
}
interface Doctor {
  ok: boolean;
  checks: { name: string; level: string; detail: string; todo: string | null }[];
}
/** What a terminal would act on, or a reader would take for a line of ours. */
const forged = new RegExp(`${String.fromCharCode(27)}\\[2J|^worker: forged`, 'm');
const unknownUuid = '0'.repeat(32);
const secrets = ['local-broker-key', /AccountKey=([^;]+)/.exec(tables.connectionString)?.[1] ?? ''];

const app = appOf(system);

/** Creates devices with a request that failed for good, because the service does not exist. */
async function failed(count: number, service: string): Promise<string[]> {
  const uuids = await balena.newDevices(count);
  await Promise.all(uuids.map((uuid) => system.post(uuid, service)));
  await Promise.all(uuids.map((uuid) => system.state(uuid, 'failed')));
  return uuids;
}

describe('one device', () => {
  test('is provisioned, shown, listed and deprovisioned', async () => {
    const uuid = await balena.newDevice();
    const requested = await cli('provision', uuid, '--service', 'main');
    expect(requested).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^${uuid} is (queued|working|provisioned)`),
    });
    expect(requested.stderr).toMatch(/^System: the local system in .* \(npm start\)\.\n$/);
    await system.state(uuid, 'provisioned');
    // A worker must have looked at the device in the last minute.
    await waitFor('the device is already provisioned', async () => {
      const repeated = await cli.json(0, 'provision', uuid, '--service', 'main');
      return repeated.outcome === 'already-provisioned' && repeated.state === 'provisioned';
    });

    const history = deviceHistory.parse(await cli.json(0, 'status', uuid));
    expect(history.device).toMatchObject({ uuid, state: 'provisioned', hub: 'accepts-certificate' });
    const short = deviceHistory.parse(await cli.json(0, 'status', uuid.slice(0, 12)));
    expect(short.device.uuid).toBe(uuid);
    expect(await cli.json(3, 'rotate', 'f'.repeat(31), '--dry-run')).toMatchObject({
      error: { code: 'ops.no-such-device' },
    });
    const { stdout } = await cli('status', uuid);
    expect(stdout).toContain(history.device.certificate?.thumbprint);
    expect(stdout).toMatch(/ran: provisioned\n.*validate \d+ ms, mint \d+ ms, register \d+ ms, store \d+ ms/);

    const page = recordPage.parse(
      await cli.json(0, 'list', '--uuid', uuid.slice(0, 12), '--state', 'provisioned'),
    );
    expect(page.records.map((line) => line.uuid)).toEqual([uuid]);

    expect(await cli.json(2, 'deprovision', uuid)).toMatchObject({ error: { code: 'not-confirmed' } });
    expect((await system.get(uuid)).json.state).toBe('provisioned');
    expect((await cli('deprovision', uuid, '--yes')).code).toBe(0);
    await system.state(uuid, 'deprovisioned');
  });

  test('without a record is not found, and an invalid UUID is a usage error', async () => {
    expect(await cli.json<Failure>(3, 'status', unknownUuid)).toEqual({
      error: {
        code: 'ops.no-such-device',
        message: `No request was ever made for the device ${unknownUuid}. Request credentials with: provisioner provision ${unknownUuid}`,
      },
    });
    expect(await cli.json(2, 'status', 'abc')).toMatchObject({ error: { code: 'usage' } });
    const { code, stdout, stderr } = await cli('status', 'abc');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('32 or 62 hexadecimal digits');
  });

  test('cannot be moved twice within ten minutes, nor requested during the cool-down', async () => {
    const uuid = await system.provisioned('main');
    await cli.json(0, 'provision', uuid, '--service', 'cloud-relay');
    expect(await cli.json(4, 'provision', uuid, '--service', 'main')).toMatchObject({
      error: { code: 'service-conflict' },
    });
    const [lost = ''] = await failed(1, 'refused');
    const { error } = await cli.json<Failure>(4, 'provision', lost, '--service', 'refused');
    expect(error).toEqual({
      code: 'service-not-found',
      message: expect.stringContaining(`provisioner dead-letters replay --uuid ${lost}`),
    });
    await cli.json(0, 'dead-letters', 'discard', '--uuid', lost, '--reason', 'a test', '--yes');
  });
});

describe('dead letters', () => {
  test('are listed, planned and replayed, and appear in the audit log', async () => {
    const uuids = await failed(12, 'sensor');
    const page = deadLetterPage.parse(
      await cli.json(0, 'dead-letters', 'list', '--code', 'service-not-found', '--limit', '5'),
    );
    expect(page).toMatchObject({ total: 12, byFleet: { 'local/demo': 12 } });
    const next = deadLetterPage.parse(
      await cli.json(0, 'dead-letters', 'list', '--code', 'service-not-found', '--cursor', page.next ?? ''),
    );
    expect(new Set([...page.deadLetters, ...next.deadLetters].map(({ uuid }) => uuid))).toEqual(
      new Set(uuids),
    );

    const plan = action.parse(
      await cli.json(0, 'dead-letters', 'plan', '--code', 'service-not-found', '--by', 'Ada'),
    );
    expect(plan).toMatchObject({ state: 'planned', by: 'Ada', counts: { planned: 12 } });
    await balena.addService('sensor');
    const done = action.parse(await cli.json(0, 'dead-letters', 'replay', plan.id, '--yes', '--rate', '600'));
    expect(done).toMatchObject({ id: plan.id, state: 'done', counts: { succeeded: 12, failed: 0 } });

    const audit = actionPage.parse(await cli.json(0, 'actions', 'list', '--kind', 'replay'));
    expect(audit.actions.map(({ id }) => id)).toContain(plan.id);
    expect(await cli.json(0, 'actions', 'show', plan.id)).toEqual(done);
    expect(await cli.json(4, 'dead-letters', 'replay', plan.id, '--yes')).toMatchObject({
      error: { code: 'ops.not-planned' },
    });
  });

  test('a replay continues after Ctrl-C, and can be cancelled', async () => {
    await failed(24, 'slow');
    await balena.addService('slow');
    const filter = ['--code', 'service-not-found', '--rate', '30', '--yes', '--by', 'Ada'];
    const running = cli.start('dead-letters', 'replay', ...filter);
    await waitFor('some requests have succeeded', () => / of 24: [1-9]\d* succeeded/.test(running.output()));
    running.interrupt();
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    const id = /provisioner actions cancel (\S+)/.exec(stderr)?.[1] ?? '';
    const before = await ops.action(id);
    expect(before).toMatchObject({ state: 'running', startedBy: 'Ada' });
    await waitFor(
      'the replay has continued',
      async () => (await ops.action(id)).counts.requested >= before.counts.requested,
    );
    expect(await cli.json(2, 'actions', 'cancel', id)).toMatchObject({
      error: { code: 'not-confirmed' },
    });
    await cli.json(0, 'actions', 'cancel', id, '--yes', '--by', 'Bob');
    expect(await ops.ends(id, 'cancelled')).toMatchObject({ cancelledBy: 'Bob' });
    expect(await cli.json(4, 'actions', 'cancel', id, '--yes')).toMatchObject({
      error: { code: 'ops.has-ended' },
    });
    const all = await cli.json<Action>(0, 'dead-letters', 'replay', '--all', '--yes');
    expect(all).toMatchObject({ state: 'done', counts: { failed: 0 } });
  });

  test('a replay with a failure exits with 1, and a discarded dead letter is not listed', async () => {
    const [uuid = ''] = await failed(1, 'nowhere');
    const again = await cli('dead-letters', 'replay', '--uuid', uuid, '--yes');
    expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('1 failed again') });
    expect(await cli.json(2, 'dead-letters', 'discard', '--uuid', uuid, '--yes')).toMatchObject({
      error: { code: 'usage' },
    });
    const discarded = await cli.json(
      0,
      'dead-letters',
      'discard',
      '--uuid',
      uuid,
      '--reason',
      'a test',
      '--yes',
    );
    expect(action.parse(discarded)).toMatchObject({ reason: 'a test', counts: { succeeded: 1 } });
    expect(await cli.json(3, 'dead-letters', 'replay', '--uuid', uuid, '--yes')).toMatchObject({
      error: { code: 'no-such-dead-letter' },
    });
    expect(await cli.json(3, 'dead-letters', 'plan', '--uuid', uuid)).toMatchObject({
      error: { code: 'no-such-dead-letter', message: expect.stringContaining(`provisioner status ${uuid}`) },
    });
    expect((await cli('status', uuid)).stdout).toMatch(/discarded .* a test/);
  });

  test('a command without a filter, or without a terminal for the confirmation, is a usage error', async () => {
    for (const verb of [['replay'], ['discard', '--reason', 'a test']])
      expect(await cli.json(2, 'dead-letters', ...verb, '--yes')).toMatchObject({
        error: { code: 'no-filter' },
      });
    expect(await cli('dead-letters', 'replay', '--all')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    expect(await cli.json(2, 'dead-letters', 'list', '--since', 'soon')).toMatchObject({
      error: { code: 'ops.bad-filter' },
    });
    expect(await cli.json(3, 'actions', 'show', unknownUuid)).toMatchObject({
      error: { code: 'ops.no-such-action' },
    });
  });
});

describe('the system', () => {
  test('is watched once, or with a line per update until Ctrl-C', async () => {
    const seen = overview.parse(await cli.json(0, 'watch', '--once'));
    expect(seen.queue.source).toBe('queue');
    const { system: status } = JSON.parse((await cli('status', '--json')).stdout);
    expect(systemStatus.parse(status).incidents.map(({ kind }) => kind)).toEqual(
      seen.status.incidents.map(({ kind }) => kind),
    );
    const words = /^[✓↻!▼✗] (Healthy|Catching up|Needs attention|Throttled|Stopped)\. /;
    for (const command of [['status'], ['doctor'], ['watch', '--once']])
      expect((await cli(...command)).stdout).toMatch(words);
    expect((await cli('watch', '--once')).stdout).toMatch(
      /^queue +\d+ active, \d+ scheduled, \d+ dead-lettered$/m,
    );
    const running = cli.start('watch', '--interval', '0.2', '--json');
    await waitFor('there are three lines', () => running.output().split('\n').length > 4);
    running.interrupt();
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    for (const line of stdout.trim().split('\n')) overview.parse(JSON.parse(line));
  });

  test('doctor --prove-write proves the right on a device of each fleet, and takes the write back', async () => {
    await addSamples(app);
    const { checks } = await cli.json<Doctor>(0, 'doctor', '--prove-write');
    const proofs = checks.filter(({ name }) => name === 'balena: write');
    expect(proofs.length).toBeGreaterThan(0);
    for (const { detail } of proofs) expect(detail).toMatch(/^proven on the offline device|has no device/);
  });

  test('is healthy, and doctor changes nothing', async () => {
    await addSamples(app);
    const before = await ops.records();
    const { ok, checks } = await cli.json<Doctor>(0, 'doctor');
    expect(ok).toBe(true);
    expect(checks.filter(({ level }) => level !== 'ok').map(({ name }) => name)).toEqual(
      checks.some(({ name, level }) => name === 'functions' && level === 'ok') ? [] : ['functions'],
    );
    expect(checks.map(({ name }) => name)).toEqual([
      'settings',
      'node',
      'clock',
      'queue: send',
      'queue: listen',
      'queue: manage',
      'queue: lock',
      'queue: duplicates',
      'queue: deliveries',
      'queue: expiry',
      'records: read',
      'records: write',
      'functions',
      'hub: read',
      'hub: write',
      'balena: key',
      'balena: fleets',
      'balena: write',
      'ca: certificate',
      'ca: key',
    ]);
    expect((await ops.records()).total).toBe(before.total);
  });

  test('a fleet is requested, swept, audited and rotated', async () => {
    await balena.newDevices(3);
    const [stuck = ''] = await failed(1, 'another');
    const command = ['fleet', 'local/demo', '--service', 'main', '--only-missing'];
    // A device without credentials has nothing to lose, so no --move is needed.
    expect(await cli.json(0, ...command, '--dry-run')).toMatchObject({
      uuids: expect.arrayContaining([stuck]),
      atOtherService: [],
      lacking: 0,
    });
    expect(await cli.json(2, 'fleet', 'local/demo', '--service', 'mian', '--dry-run')).toMatchObject({
      error: { code: 'no-such-service', message: expect.stringContaining('it has cloud-relay, main') },
    });
    const requested = await cli.json<{ followed: { states: { provisioned: number } } }>(0, ...command);
    expect(requested.followed.states.provisioned).toBeGreaterThanOrEqual(4);
    expect(await cli.json(2, 'sweep')).toMatchObject({ error: { code: 'no-fleets' } });
    expect(await cli.json(0, 'sweep', '--fleet', 'local/demo', '--dry-run')).toMatchObject({
      requested: 0,
      items: [],
    });
    expect(await cli.json(0, 'audit')).toMatchObject({ findings: [], repaired: null });
    const uuid = await system.provisioned();
    const before = await ops.history(uuid);
    expect(action.parse(await cli.json(0, 'rotate', uuid, '--dry-run'))).toMatchObject({
      counts: { planned: 1 },
    });
    expect(await cli.json(2, 'rotate')).toMatchObject({ error: { code: 'no-filter' } });
    expect(await cli.json(3, 'rotate', unknownUuid, '--yes')).toMatchObject({
      error: { code: 'no-certificate' },
    });
    await cli.json(0, 'rotate', uuid, '--yes');
    const after = await ops.history(uuid);
    expect(after.device.certificate?.thumbprint).not.toBe(before.device.certificate?.thumbprint);
  });

  test.each([
    [['fleet', 'local/demo', '--dry-run']],
    [['sweep', '--fleet', 'local/demo', '--dry-run']],
    [['sweep', '--fleet', 'local/demo']],
    [['fleet', 'local/demo', '--only-missing']],
  ])('%j exits with 130 after Ctrl-C, with a message', async (args) => {
    // Long enough for Ctrl-C to arrive during the call.
    const hits = await balena.fault({ path: '/device', delayMs: 4_000 });
    try {
      const running = cli.start(...args);
      await hits(1);
      running.interrupt();
      const { code, stdout, stderr } = await running.ended;
      expect({ code, output: stdout + stderr }).toEqual({
        code: 130,
        output: expect.stringContaining('Interrupted'),
      });
    } finally {
      await balena.noFaults();
    }
  });
});

describe('settings and rights', () => {
  const env = {
    SERVICEBUS_CONNECTION: serviceBus.connectionString,
    RECORDS_CONNECTION: tables.connectionString,
  };
  const port = Number(/:(\d+);/.exec(serviceBus.connectionString)?.[1]);
  const trust = { NODE_EXTRA_CA_CERTS: join(system.folder, 'trusted.pem') };

  test('the error for a folder without a local system names the folder', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'empty-'));
    const { error } = await useCli(['--folder', empty]).json<Failure>(2, 'list');
    expect(error).toEqual({ code: 'settings', message: expect.stringContaining(`--folder ${empty}`) });
    await rm(empty, { recursive: true });
  });

  test('most commands need only queue and records; doctor reports the other missing settings', async () => {
    const partial = useCli([], { ...env, ...trust });
    const listed = await partial('list', '--limit', '1');
    expect(listed).toMatchObject({
      code: 0,
      stderr: `System: queue provisioning at 127.0.0.1:${port}, records in local.\n`,
    });
    await addSamples(app);
    const { ok, checks } = await partial.json<Doctor>(1, 'doctor');
    expect(ok).toBe(false);
    const wrong = checks.filter(({ level }) => level === 'failed').map(({ name }) => name);
    expect(wrong).toEqual(['BALENA_API_KEY', 'IOTHUB_CONNECTION_STRING']);
    expect(await partial.json(2, 'audit')).toMatchObject({ error: { code: 'settings' } });
    expect(
      await useCli([], { SERVICEBUS_CONNECTION: env.SERVICEBUS_CONNECTION }).json(2, 'list'),
    ).toMatchObject({
      error: { message: expect.stringContaining('RECORDS_CONNECTION') },
    });
  });

  test('the hook postdeploy shows what doctor finds about a deployment, without the key that only Key Vault has', async () => {
    const doctor = join(projectFolder(), 'infra/hooks/lib/doctor.js');
    const deployed = {
      PATH: process.env.PATH!,
      OPS_PRINCIPAL_ID: 'an operator',
      ...env,
      ...trust,
      IOTHUB_CONNECTION_STRING: iotHub.connectionString,
    };
    const shown = async (settings: Record<string, string>) => {
      const script = `import { runDoctor } from ${JSON.stringify(doctor)}; await runDoctor(process.env);`;
      const args = ['--input-type=module', '--eval', script];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: settings });
      return stdout;
    };
    expect(await shown(deployed)).toMatch(
      /^(✓ provisioner doctor: \d+ checks, no fault\.|! provisioner doctor: functions: .*)\n(?:.*\n)*.*balena is not among these checks: only Key Vault has the API key\.\n$/,
    );
    expect(await shown({ ...deployed, IOTHUB_TIER: 'GEN2' })).toContain(
      '! provisioner doctor: hub: rate: the tier is unknown, so the rate limiter allows 100 registry operations a minute\n' +
        '  To do: set IOTHUB_OPERATIONS_PER_MINUTE to the rate of the hub\n',
    );
  });

  test('without the right Manage the depths come from the records, and doctor warns', async () => {
    const worker = useCli([], {
      ...env,
      ...trust,
      SERVICEBUS_CONNECTION: connectionStringFor(port, 'SendAndListen'),
    });
    expect(overview.parse(await worker.json(0, 'watch', '--once')).queue).toMatchObject({
      source: 'records',
      note: expect.stringContaining('Manage'),
    });
    const { checks } = await worker.json<Doctor>(1, 'doctor');
    expect(checks.filter(({ name }) => name.startsWith('queue'))).toEqual([
      expect.objectContaining({ name: 'queue: send', level: 'ok' }),
      expect.objectContaining({ name: 'queue: listen', level: 'ok' }),
      expect.objectContaining({
        name: 'queue: manage',
        level: 'warning',
        todo: expect.stringContaining('workers do not need the right'),
      }),
    ]);
  });

  test('doctor finds a wrong key, wrong properties of the queue, and a missing right at the hub', async () => {
    const wrongKey = connectionStringFor(port).replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=hunter2');
    const found = await useCli([], { ...env, ...trust, SERVICEBUS_CONNECTION: wrongKey }).json<Doctor>(
      1,
      'doctor',
    );
    expect(found.checks).toContainEqual(expect.objectContaining({ name: 'queue: send', level: 'failed' }));
    expect(JSON.stringify(found)).not.toContain('hunter2');
    const different = useCli([], {
      ...env,
      ...trust,
      WORK_LIMIT_SECONDS: '100',
      DUPLICATE_WINDOW_SECONDS: '300',
    });
    const { checks } = await different.json<Doctor>(1, 'doctor');
    const failures = checks.filter(({ level }) => level === 'failed').map(({ name }) => name);
    expect(failures).toEqual(expect.arrayContaining(['queue: lock', 'queue: duplicates']));

    const { registryRead } = JSON.parse(
      await readFile(join(system.folder, 'iothub', 'policies.json'), 'utf8'),
    );
    const reader = iotHub.connectionString.replace(
      /SharedAccessKeyName=.*/,
      `SharedAccessKeyName=registryRead;SharedAccessKey=${registryRead}`,
    );
    const hub = await useCli([], { ...env, ...trust, IOTHUB_CONNECTION_STRING: reader }).json<Doctor>(
      1,
      'doctor',
    );
    expect(hub.checks.filter(({ name }) => name.startsWith('hub'))).toEqual([
      expect.objectContaining({ name: 'hub: read', level: 'ok' }),
      expect.objectContaining({
        name: 'hub: write',
        level: 'failed',
        todo: expect.stringContaining('RegistryWrite'),
      }),
    ]);
  });

  test('unavailable records or queue exit with 5, and with a message without secrets', async () => {
    const unavailable = {
      records: tables.connectionString.replace(/:\d+\/local/, ':1/local'),
      queue: connectionStringFor(1),
    };
    const withoutRecords = useCli([], { ...env, ...trust, RECORDS_CONNECTION: unavailable.records });
    const withoutQueue = useCli([], { ...env, ...trust, SERVICEBUS_CONNECTION: unavailable.queue });
    expect(await withoutRecords.json(5, 'list')).toMatchObject({ error: { code: 'records-unavailable' } });
    expect(await withoutQueue.json(5, 'provision', await balena.newDevice())).toMatchObject({
      error: { code: 'queue-unavailable' },
    });
    const { code, stdout, stderr } = await withoutRecords('status', unknownUuid);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toMatch(
      /The records cannot be reached \(.*\)\. Run provisioner doctor to find the fault\.\n$/,
    );
    const { checks } = await withoutRecords.json<Doctor>(1, 'doctor');
    expect(checks).toContainEqual(expect.objectContaining({ name: 'records: read', level: 'failed' }));
    for (const secret of secrets) expect(stderr + JSON.stringify(checks)).not.toContain(secret);
  });

  test('an unreadable connection string is not printed', async () => {
    const garbled = {
      ...env,
      ...trust,
      RECORDS_CONNECTION: 'AccountName=a;AccountKey=hunter2;TableEndpoint=nowhere',
    };
    const { code, stdout, stderr } = await useCli([], garbled)('list');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/hunter2|\n\s+at /);
  });
});

test('a hostile service name in a fleet: no line of the log is forged, and no screen is cleared', async () => {
  const hostile = 'x\u001b[2J\nworker: forged';
  await balena.tell('POST /fleets', { slug: 'local/hostile', services: [hostile] });
  const [device] = await balena.tell<{ uuid: string }[]>('POST /devices', {
    fleet: 'local/hostile',
    count: 1,
  });
  const { uuid = '' } = device ?? {};
  await system.post(uuid, 'main');
  const { error } = await system.state(uuid, 'failed');
  // The record has no control characters.
  expect(error?.message).toContain('x [2J worker: forged');
  const line = await waitFor('the failure is logged', () =>
    system.lines.find((each) => each.includes(uuid) && each.includes('service-not-found')),
  );
  expect(line).toContain('x\\u{1b}[2J\\u{a}worker: forged');
  for (const args of [
    ['status', uuid],
    ['list', '--uuid', uuid],
    ['dead-letters', 'list', '--uuid', uuid],
  ]) {
    for (const { stdout, stderr } of [await cli(...args), await cli(...args, '--json')]) {
      expect(stdout).not.toMatch(forged);
      expect(stderr).not.toMatch(forged);
    }
  }
  await system.del(uuid);
  await system.state(uuid, 'deprovisioned');
});

/** These commands change something, and ask an operator at a terminal for a confirmation. */
const confirmed = /^npx provisioner (rotate|deprovision|dead-letters replay) /;

test('the commands of docs/cli.md work, one after the other', async () => {
  const [variables, ...blocks] = runnableBlocks(await readDocument('docs/cli.md'));
  if (!variables) throw new Error('docs/cli.md has no commands');
  const echo = { ...variables, commands: `${variables.commands}echo "$DEVICE $FLEET"` };
  const [uuid = '', fleet = ''] = (await runCommands([echo], system.folder)).trim().split(' ');
  await failed(2, 'documented');
  await balena.addService('documented');
  const commands = blocks.flatMap(commandsOf);
  expect(commands.at(-1)).toBe('npx provisioner watch');
  for (const command of commands.slice(0, -1)) {
    if (command.endsWith(' --code service-not-found --service main')) await failed(1, 'documented-too');
    const args = cliArguments(command, { '"$DEVICE"': uuid, '"$FLEET"': fleet });
    const { code, stderr } = await cli(...args, ...(confirmed.test(command) ? ['--yes'] : []));
    // 1: the command has found something. Other tests of this file leave devices behind that such a command reports.
    const right = /audit|replay|fleet|status$/.test(command) ? [0, 1] : [0];
    if (code === null || !right.includes(code)) throw new Error(`${command} ended with ${code}: ${stderr}`);
    if (/ (provision|rotate) /.test(command)) await system.state(uuid, 'provisioned');
  }
  const watching = cli.start('watch');
  await waitFor('watch shows the state', () => watching.output().includes('provisioned'));
  watching.interrupt();
  expect((await watching.ended).code).toBe(0);
});
