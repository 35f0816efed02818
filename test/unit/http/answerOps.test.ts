import { HttpRequest } from '@azure/functions';
import { BadRequest } from '../../../src/http/errors.js';
import { answerOps } from '../../../src/http/ops/answer.js';
import type { OperatorDependencies } from '../../../src/ops/requests/dependencies.js';

const deps = {} as OperatorDependencies;
const list = (query: string, values: Record<string, string>) =>
  answerOps(
    deps,
    new HttpRequest({
      method: 'GET',
      url: `http://127.0.0.1/api/ops/records?${query}`,
      params: { resource: 'records' },
      // The host has joined the values of a repeated parameter.
      query: values,
    }),
  ).catch((error: unknown) => error);

test.each([
  ['state=failed&state=queued', { state: 'failed,queued' }, 'state'],
  ['state=failed&State=queued', { state: 'failed,queued' }, 'State'],
])('a repeated parameter is an error that says so: %s', async (query, values, name) => {
  const error = await list(query, values);
  expect(error).toBeInstanceOf(BadRequest);
  expect(error).toMatchObject({
    code: 'ops.request.repeated-parameter',
    status: 400,
    message: `The query has the parameter "${name}" more than once. Send each parameter once.`,
  });
});

test('a request that needs a body, and has none, is told that a chunked body does not arrive', async () => {
  const request = new HttpRequest({
    method: 'POST',
    url: 'http://127.0.0.1/api/ops/actions',
    params: { resource: 'actions' },
  });
  const { status, body } = await answerOps(deps, request);
  expect(status).toBe(400);
  expect(JSON.parse(String(body)).detail).toMatch(/The request has no body\. .*without Content-Length/);
});
