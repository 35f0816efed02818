import { HttpRequest } from '@azure/functions';
import { answerOperator } from '../../../../src/http/signIn/answer.js';
import type { OperatorDependencies } from '../../../../src/ops/requests/dependencies.js';

const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const claim = (typ: string, val: string) => ({ typ, val });
const user = [claim('tid', tenant), claim('preferred_username', 'ada@example.com')];

const header = (claims: object[], more: object = {}) =>
  Buffer.from(
    JSON.stringify({ auth_typ: 'aad', name_typ: 'name', role_typ: 'roles', claims, ...more }),
  ).toString('base64');
const look = header([...user, claim('roles', 'Provisioner.Look')]);
const act = header([...user, claim('roles', 'Provisioner.Act')]);

type SignIn = OperatorDependencies['config']['signIn'];
const on: SignIn = { tenant, isPlatformOn: true };

interface Sent {
  method?: 'GET' | 'POST';
  path?: string;
  headers?: Record<string, string>;
  /** Whether the page sends the request. */
  isOfPage?: boolean;
  body?: object;
}

async function send(
  signIn: SignIn,
  { method = 'GET', path = 'settings', headers = {}, isOfPage = true, body }: Sent,
) {
  const links = { balena: null, azure: null, runbook: null };
  const planned: object[] = [];
  const deps = {
    config: { signIn, links, defaultService: 'main', fleets: null },
    clock: { now: () => 0 },
    operationsPerMinute: 100,
    deadLetterSnapshots: { read: async () => ({ deadLetters: [], incomplete: null, asOf: 0 }) },
    actions: { create: async (action: object) => void planned.push(action) },
  } as unknown as OperatorDependencies;
  const [resource = '', id, verb] = path.split('/');
  const request = new HttpRequest({
    method,
    url: `https://app.example/api/operators/${path}`,
    params: { resource, ...(id && { id }), ...(verb && { verb }) },
    headers: { ...(isOfPage && { 'x-provisioner-page': '1' }), ...headers },
    ...(body && { body: { string: JSON.stringify(body) } }),
  });
  const answer = await answerOperator(deps, request);
  return { status: answer.status, body: JSON.parse(String(answer.body)), planned };
}

const as = (principal: string) => ({ 'x-ms-client-principal': principal });

test('without the setting, every request is refused, and the header is not believed', async () => {
  expect(await send(null, { headers: as(act) })).toMatchObject({
    status: 404,
    body: { code: 'ops.sign-in-off' },
  });
  expect((await send(null, { path: 'me', headers: as(act) })).body).toEqual({
    signIn: 'off',
    name: null,
    mayLook: false,
    mayAct: false,
  });
});

test('a forged header is not believed while App Service Authentication is off, because a client could send it', async () => {
  const off = { tenant, isPlatformOn: false };
  expect(await send(off, { headers: as(act) })).toMatchObject({
    status: 401,
    body: { code: 'ops.signed-out' },
  });
  expect((await send(off, { path: 'me', headers: as(act) })).body).toMatchObject({
    signIn: 'platform-off',
    name: null,
    mayAct: false,
  });
});

test.each([
  ['no header', {}],
  ['no base64', as('{"auth_typ":"aad"}')],
  ['no JSON', as(Buffer.from('ada').toString('base64'))],
  [
    'another shape, as Static Web Apps sends it',
    as(Buffer.from('{"userRoles":["admin"]}').toString('base64')),
  ],
  [
    'another identity provider',
    as(header([...user, claim('roles', 'Provisioner.Act')], { auth_typ: 'github' })),
  ],
  ['another tenant', as(header([claim('tid', '00000000-0000-0000-0000-000000000000'), ...user.slice(1)]))],
  ['two tenants', as(header([...user, claim('tid', '00000000-0000-0000-0000-000000000000')]))],
  ['no tenant', as(header(user.slice(1)))],
  ['no name', as(header(user.slice(0, 1)))],
  ['a name header alone', { 'x-ms-client-principal-name': 'ada@example.com' }],
  ['a very long header', as('A'.repeat(40_000))],
])('%s: signed out', async (_, headers) => {
  expect(await send(on, { headers })).toMatchObject({ status: 401, body: { code: 'ops.signed-out' } });
});

test('a user without a role may neither look nor act, and the answer names the role', async () => {
  const headers = as(header(user));
  expect(await send(on, { headers })).toMatchObject({
    status: 403,
    body: { code: 'ops.role-missing', detail: 'ada@example.com lacks the app role Provisioner.Look.' },
  });
});

test('the role for looking reads, and does not act', async () => {
  expect(await send(on, { headers: as(look) })).toMatchObject({
    status: 200,
    body: { defaultService: 'main' },
  });
  const acted = await send(on, {
    method: 'POST',
    path: 'actions',
    headers: as(look),
    body: { kind: 'replay' },
  });
  expect(acted).toMatchObject({ status: 403, body: { code: 'ops.role-missing' }, planned: [] });
});

test('the role for acting acts, under the name of the user and no other name', async () => {
  const body = { kind: 'replay', by: 'Bob' };
  const { status, planned } = await send(on, { method: 'POST', path: 'actions', headers: as(act), body });
  expect(status).toBe(201);
  expect(planned).toMatchObject([{ by: 'ada@example.com' }]);
  expect(await send(on, { headers: as(act) })).toMatchObject({ status: 200 });
});

test('a request of another site is refused, although the browser sends the session along', async () => {
  const site = { ...as(act), 'sec-fetch-site': 'cross-site' };
  expect(await send(on, { headers: site })).toMatchObject({
    status: 403,
    body: { code: 'ops.foreign-page' },
  });
});

test('a form or a link of another site is refused, because only the page can send the header of the page', async () => {
  const form = { method: 'POST', path: 'actions', headers: as(act), body: { kind: 'replay' } } as const;
  expect(await send(on, { ...form, isOfPage: false })).toMatchObject({
    status: 403,
    body: { code: 'ops.foreign-page' },
    planned: [],
  });
});

test('the long names of claims count, too', async () => {
  const long = header([
    claim('http://schemas.microsoft.com/identity/claims/tenantid', tenant.toUpperCase()),
    claim('http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress', 'ada@example.com'),
    claim('http://schemas.microsoft.com/ws/2008/06/identity/claims/role', 'Provisioner.Look'),
  ]);
  expect(await send(on, { path: 'me', headers: as(long) })).toMatchObject({
    body: { signIn: 'signed-in', name: 'ada@example.com', mayLook: true, mayAct: false },
  });
});
