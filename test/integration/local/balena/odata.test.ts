import { useBalena } from './useBalena.js';

const { request, devices, control } = await useBalena({ devices: 5 });
const get = async (path: string) => (await request(`/v7/${path}`)).body.d;
const errorOf = async (path: string) => {
  const { status, body } = await request(`/v7/${path}`);
  expect(status).toBe(400);
  return body;
};
/** The reason of an answer that has no text, like the real API's. */
const reasonOf = async (path: string) => {
  const { status, body, headers } = await request(`/v7/${path}`);
  expect(body).toBe('');
  return [status, headers.get('x-simulator-reason')];
};
const { id: fleetId } = (await get("application?$select=id&$filter=slug eq 'local/demo'"))[0];
const [first, second, third] = devices.map(({ uuid }) => uuid);

test('$filter compares, negates, and joins with `and` and `or` from left to right, as balena does', async () => {
  const uuids = async (filter: string) =>
    (await get(`device?$select=uuid&$orderby=id asc&$filter=${encodeURIComponent(filter)}`)).map(
      ({ uuid }: { uuid: string }) => uuid,
    );
  expect(await uuids(`uuid eq '${first}' or uuid eq '${second}' and id eq 2`)).toEqual([second]);
  expect(await uuids(`uuid eq '${first}' or (uuid eq '${second}' and id eq 0)`)).toEqual([first]);
  expect(await uuids(`(uuid eq '${first}' or uuid eq '${second}') and id ne 1`)).toEqual([second]);
  expect(await uuids(`not(uuid eq '${first}') and id le 2`)).toEqual([second]);
  expect(await uuids(`id gt 1 and id lt 4`)).toEqual([second, third]);
  expect(await uuids(`uuid in ('${first}','${third}')`)).toEqual([first, third]);
  expect(await uuids(`note eq null and is_active eq true and id ge 5`)).toHaveLength(1);
  expect(await uuids(`note ne null`)).toEqual([]);
  expect(await uuids(`1 eq 1 and false`)).toEqual([]);
});

test('any looks into lists and links, also nested', async () => {
  await control('PUT', `/devices/${second}/variables`, { service: 'main', variables: { "IT'S": 'x' } });
  const filter =
    "service_install/any(si:si/installs__service/any(s:s/service_name eq 'main') and " +
    "si/device_service_environment_variable/any(v:v/name eq 'IT''S')) and belongs_to__application/any(a:a/slug eq 'local/demo')";
  expect(await get(`device?$select=uuid&$filter=${encodeURIComponent(filter)}`)).toEqual([{ uuid: second }]);
});

test('$expand takes nested options, for each row on its own', async () => {
  const query =
    "$select=slug&$filter=is_of__class eq 'fleet'&$expand=owns__device($select=id;$top=2;$skip=1;$orderby=id desc),service($select=service_name)";
  expect(await get(`application?${query}`)).toEqual([
    {
      slug: 'local/demo',
      owns__device: [{ id: 4 }, { id: 3 }],
      service: [{ service_name: 'cloud-relay' }, { service_name: 'main' }],
    },
  ]);
});

test('an expanded link replaces its id, and is an empty list where there is none', async () => {
  const [device] = await get('device?$top=1&$expand=belongs_to__user,belongs_to__application($select=slug)');
  expect(device).toMatchObject({
    belongs_to__user: [],
    belongs_to__application: [{ slug: 'local/demo' }],
    is_of__device_type: { __id: expect.any(Number) },
  });
  expect((await get('device?$top=1&$select=belongs_to__user'))[0]).toEqual({ belongs_to__user: null });
});

test('$orderby, $top and $skip page through the rows', async () => {
  expect(await get('device?$select=id&$orderby=is_online asc,id desc&$top=2&$skip=1')).toEqual([
    { id: 4 },
    { id: 3 },
  ]);
});

test('$count counts the rows that match', async () => {
  expect(await get('device/$count')).toBe(5);
  expect(await get('device/$count?$filter=id gt 3')).toBe(2);
});

test('a text may hold every character that an address gives a meaning', async () => {
  const name = "50%27 & 100% 'done' (a/b?c=d;e,f)";
  await request('/v7/device(3)', { method: 'PATCH', body: JSON.stringify({ device_name: name }) });
  const filter = encodeURIComponent(`device_name eq '${name.replaceAll("'", "''")}'`);
  expect(await get(`device?$select=id&$filter=${filter}`)).toEqual([{ id: 3 }]);
});

test('a row is named by its id, by a natural key, or by a parameter alias', async () => {
  expect(await get('device(1)?$select=id')).toEqual([{ id: 1 }]);
  expect(await get(`device(uuid='${second}')?$select=id`)).toEqual([{ id: 2 }]);
  expect(await get(`device(uuid=@u)?@u='${third}'&$select=id`)).toEqual([{ id: 3 }]);
  expect(await get(`service(application=${fleetId},service_name='main')?$select=service_name`)).toEqual([
    { service_name: 'main' },
  ]);
  expect(await errorOf("device(device_name='x')")).toContain('no key of device');
});

test.each([
  ['device?$filter=contains(uuid,%27a%27)', 'the function contains'],
  ['device?$filter=service_install/all(s:s/id eq 1)', 'the function all'],
  ['device?$filter=service_install/$count eq 1', '$count in a filter'],
  ['device?$filter=belongs_to__application/slug eq %27a%27', 'belongs_to__application/slug'],
  ['device?$expand=service_install/$count', 'a path in $expand'],
  ['device?$orderby=belongs_to__application/slug asc', 'a path in $orderby'],
  ['device?$search=x', 'the option $search'],
  ['device?$format=json', 'the option $format'],
  ['device?$expand=service_install($count=true)', 'the option $count'],
  ['device?$filter=id add 1 eq 2', 'add in a filter'],
  ["device?$filter=created_at gt datetime'2026-01-01'", 'a value of the type Date Time'],
  ['device?colour=red', 'the parameter colour'],
  ['device(1)/belongs_to__application', 'a path behind device'],
])('an unsupported request is refused, and the error names the part: %s', async (path, named) => {
  expect(await errorOf(path)).toContain(named);
});

test.each([
  ['device?$select=colour', 'device has no property colour'],
  ['device?$orderby=colour', 'device has no property colour'],
  ['device?$filter=colour eq 1', 'device has no property colour'],
  ['device?$expand=colour', 'device has no navigation property colour'],
  ['device?$filter=colour/any(c:c/id eq 1)', 'device has no navigation property colour'],
  ['device?$filter=uuid eq %27open', "device has no property 'open"],
])('an unknown property is answered with 500: %s', async (path, reason) => {
  expect(await reasonOf(path)).toEqual([500, reason]);
});

test('an unknown resource is answered with 401', async () => {
  expect(await reasonOf('colour')).toEqual([401, 'the resource colour']);
});

test.each([
  ['device?$filter=id eq', 'unexpected end at character 13'],
  ['device?$filter=id eq 1 1', 'unexpected 1 at character 16'],
  ['device?$filter=id eq %271%27', 'cannot compare integer with text'],
  ['device?$filter=id in (%271%27)', 'cannot compare integer with text'],
  ['device?$filter=%E0%A4%A', 'cannot decode'],
  ['device?$filter=uuid eq @u', '@u has no value'],
  ['device?$top=-1', 'unexpected - at character 5'],
  ['device?$expand=service_install($select=id', 'unexpected end at character 34'],
])('a malformed request is refused with the position: %s', async (path, named) => {
  expect(await errorOf(path)).toContain(named);
});

test('a PATCH or DELETE with options that it would ignore is refused', async () => {
  expect((await request('/v7/device?$top=1', { method: 'DELETE' })).status).toBe(400);
  expect((await request('/v7/device/$count', { method: 'DELETE' })).status).toBe(400);
  expect((await request('/v7/device(1)', { method: 'PUT', body: '{}' })).status).toBe(400);
  expect((await request('/v7/service(1)', { method: 'DELETE' })).status).toBe(400);
  expect((await request('/v7/device(1)', { method: 'PATCH', body: '{"uuid":"x"}' })).status).toBe(400);
  expect((await request('/v7/device(1)', { method: 'PATCH', body: '{' })).status).toBe(400);
  expect((await request('/v7/device', { method: 'POST', body: '{}' })).status).toBe(400);
  expect(await get('device/$count')).toBe(5);
});

test('an unknown address is answered with 404', async () => {
  expect((await request('/v6/device')).status).toBe(404);
});
