import { useOpsPage } from './support/useOpsPage.js';
import { useSystem } from './support/useSystem.js';

/*
 * The functions with OPS_SIGN_IN, in a host that plays App Service Authentication (local/simulators/functions-host/http/identity.ts). No worker runs.
 */

const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const system = await useSystem({
  hosts: ['http'],
  settings: { OPS_SIGN_IN: tenant, WEBSITE_AUTH_ENABLED: 'True' },
});
const { url, opsKey } = system.stack.endpoints.functions;
const pages = await useOpsPage(system);

/** The principal of a user, as App Service writes the principal. */
function principal(name: string, role: string | null, of = tenant): string {
  const claims = [
    { typ: 'tid', val: of },
    { typ: 'preferred_username', val: name },
    ...(role === null ? [] : [{ typ: 'roles', val: role }]),
  ];
  return Buffer.from(
    JSON.stringify({ auth_typ: 'aad', name_typ: 'name', role_typ: 'roles', claims }),
  ).toString('base64');
}

const looker = principal('lena@example.com', 'Provisioner.Look');
const actor = principal('ada@example.com', 'Provisioner.Act');
const sessionOf = (user: string) => ({ cookie: `AppServiceAuthSession=${user}` });

/** A request as the page sends the request, with further headers. */
async function send(path: string, headers: Record<string, string>, body?: object) {
  const response = await fetch(`${url}/api/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'x-provisioner-page': '1', 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const [device = '', other = ''] = await system.balena.newDevices(2);
const provision = { operation: 'provision', uuid: device, by: 'somebody else' };

test.each([
  ['no session', {}, 401, 'ops.signed-out'],
  ['a forged header, which the platform removes', { 'x-ms-client-principal': actor }, 401, 'ops.signed-out'],
  [
    'a forged header beside the session of a user who may only look',
    { 'x-ms-client-principal': actor, ...sessionOf(looker) },
    403,
    'ops.role-missing',
  ],
  ['the role to look', sessionOf(looker), 403, 'ops.role-missing'],
  ['no role', sessionOf(principal('eve@example.com', null)), 403, 'ops.role-missing'],
  [
    'a user of another tenant',
    sessionOf(principal('eve@evil.example', 'Provisioner.Act', '00000000-0000-0000-0000-000000000001')),
    401,
    'ops.signed-out',
  ],
  ['a key of operators in the place of a session', { 'x-functions-key': opsKey }, 401, 'ops.signed-out'],
] as const)(
  'a request to act with %s is refused, and nothing is requested',
  async (_, headers, status, code) => {
    const paths = ['requests', 'fleet-requests', 'fleet-plans', 'actions'];
    for (const path of paths)
      expect([path, await send(`operators/${path}`, headers, provision)]).toMatchObject([
        path,
        { status, body: { code } },
      ]);
    expect((await system.ops.records()).total).toBe(0);
    expect((await system.ops.audit()).total).toBe(0);
  },
);

test('who may act requests a device, and the audit has the name of the sign-in, and not the name in the request', async () => {
  expect(await send('operators/requests', sessionOf(actor), provision)).toMatchObject({
    status: 202,
    body: { outcome: 'accepted' },
  });
  // The key works beside the sign-in, and its holder may choose a name.
  expect(
    await send('ops/requests', { 'x-functions-key': opsKey }, { ...provision, uuid: other, by: 'Ben' }),
  ).toMatchObject({ status: 202 });
  const { status, body } = await send('operators/actions', sessionOf(looker));
  expect(status).toBe(200);
  expect(body.actions).toMatchObject([
    { kind: 'provision', filter: { uuid: other }, startedBy: 'Ben', answer: 'accepted' },
    { kind: 'provision', filter: { uuid: device }, startedBy: 'ada@example.com', answer: 'accepted' },
  ]);
});

test.each([
  ['lena@example.com', looker, ', for looking only', 0],
  ['ada@example.com', actor, '', 1],
])('%s sees the buttons of the role in the page', async (name, user, more, shown) => {
  const { page, go, complaints } = await pages.open({ session: user });
  await page.getByRole('button', { name: `Open as ${name}${more}` }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  for (const [path, button] of [
    ['devices', 'Request a device …'],
    ['fleets', 'Request a fleet …'],
    [`devices/${device}`, 'Deprovision …'],
  ] as const) {
    await go(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect([path, await page.getByRole('button', { name: button }).count()]).toEqual([path, shown]);
  }
  expect(await page.getByText('looking only').count()).toBe(1 - shown);
  expect(complaints).toEqual([]);
});
