import { probeBalena } from '../../../cli/doctor/probeBalena.js';
import { useBalena } from '../local/balena/useBalena.js';

const { apiUrl, apiKey, request, counts, device, control } = await useBalena();

test('the key of a user may write variables, and the probe changes nothing in three requests', async () => {
  await control('PUT', `/devices/${device.uuid}/variables`, { service: '', variables: { KEPT: 'x' } });
  await counts();
  expect(await probeBalena({ apiUrl, apiKey })).toEqual({ actor: 'user', mayWrite: true });
  expect(await counts()).toEqual({
    'GET /actor/v1/whoami': { 200: 1 },
    'PATCH /v7/device_environment_variable({id})': { 200: 1 },
    'PATCH /v7/device_service_environment_variable({id})': { 200: 1 },
  });
  expect((await control('GET', `/devices/${device.uuid}`)).body.variables['']).toEqual({ KEPT: 'x' });
});

test('the provisioning key of a fleet may not write variables', async () => {
  const fleet = (await request("/v7/application?$filter=slug eq 'local/demo'&$select=id")).body.d[0].id;
  const { body: key } = await request('/api-key/v2/', {
    method: 'POST',
    body: JSON.stringify({ actorType: 'application', actorTypeId: fleet, roles: ['provisioning-api-key'] }),
  });
  expect(await probeBalena({ apiUrl, apiKey: key })).toEqual({ actor: 'application', mayWrite: false });
});

test('an unknown key is an error, and the message does not contain the key', async () => {
  const error = await probeBalena({ apiUrl, apiKey: 'hunter2' }).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'balena-unauthorized' });
  expect(error.message).not.toContain('hunter2');
});

test('balena-unavailable is thrown if balena does not answer', async () => {
  await expect(probeBalena({ apiUrl: 'http://127.0.0.1:1/', apiKey })).rejects.toMatchObject({
    code: 'balena-unavailable',
  });
});
