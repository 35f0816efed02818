import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../support/waitFor.js';
import { type Fixture, fixtures, startFixture } from './startFixture.js';

describe('the host over HTTP', () => {
  let host: Fixture;
  const at = (path: string, init?: RequestInit) => fetch(`${host.endpoints.url}${path}`, init);
  const json = async (path: string, init?: RequestInit) => (await at(path, init)).json();

  beforeAll(async () => {
    host = await startFixture(['--only', 'http', '--keys', join(fixtures, 'keys.json')], {
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1000',
    });
  });
  afterAll(() => host.stop());

  it('names the functions that it runs, and where', () => {
    expect(host.endpoints.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(host.endpoints.functions).toContain('echo');
    expect(host.endpoints.functions).not.toContain('tick');
  });

  it('hands over method, URL, parameters, joined query keys, headers and the very bytes of the body', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const response = await at('/API/Echo/some%20id?tag=a&Tag=b', {
      method: 'PUT',
      body: bytes,
      headers: [
        ['x-list', '1'],
        ['x-list', '2'],
      ],
    });
    expect(response.headers.get('x-function')).toBe('echo');
    expect(await response.json()).toEqual({
      function: 'echo',
      method: 'PUT',
      url: `${host.endpoints.url}/API/Echo/some%20id?tag=a&Tag=b`,
      params: { id: 'some id' },
      query: { Tag: 'a,b' },
      header: expect.stringMatching(/^1, ?2$/),
      body: Buffer.from(bytes).toString('base64'),
    });
  });

  it('leaves out an optional parameter that is not there', async () => {
    expect((await json('/api/echo')).params).toEqual({});
    expect((await json('/api/echo/')).params).toEqual({});
  });

  it('takes the route that was registered first, although another one is literal', async () => {
    const headers = { 'x-functions-key': 'key-read' };
    expect((await json('/api/things/special', { headers })).function).toBe('readThing');
  });

  it('answers 404 with an empty body for an unknown path and for a wrong method', async () => {
    for (const [path, method] of [
      ['/api/nothing', 'GET'],
      ['/echo', 'GET'],
      ['/api/echo', 'DELETE'],
      ['/api/files/a', 'HEAD'],
      ['/api/files/a/b', 'GET'],
    ] as const) {
      const response = await at(path, { method });
      expect([path, response.status, await response.text()]).toEqual([path, 404, '']);
    }
  });

  it('lets a function key open its own function only, a host key all, and needs the master key for admin', async () => {
    const status = async (path: string, key?: string, method = 'GET') =>
      (await at(path, { method, headers: key ? { 'x-functions-key': key } : {} })).status;
    expect(await status('/api/things/1')).toBe(401);
    expect(await status('/api/things/1', 'wrong')).toBe(401);
    expect(await status('/api/things/1', 'key-remove')).toBe(401);
    expect(await status('/api/things/1', 'key-read')).toBe(200);
    expect(await status('/api/things/1', 'key-read', 'DELETE')).toBe(401);
    expect(await status('/api/things/1', 'key-remove', 'DELETE')).toBe(200);
    expect(await status('/api/things/1', 'key-host')).toBe(200);
    expect(await status('/api/things/1', 'key-master')).toBe(200);
    expect(await status('/api/administer', 'key-host')).toBe(401);
    expect(await status('/api/administer', 'key-master')).toBe(200);
  });

  it('takes the key from the query too, and answers 401 with an empty body', async () => {
    expect((await at('/api/things/1?code=key-read')).status).toBe(200);
    const refused = await at('/api/things/1?code=wrong');
    expect([refused.status, await refused.text()]).toEqual([401, '']);
  });

  it('never prints a query, and so no key', async () => {
    await at('/api/things/7?code=key-read');
    await host.line(/^readThing: GET \/api\/things\/7 200 in \d+ ms$/);
    expect(host.lines.join('\n')).not.toContain('key-');
  });

  it('prints what a function logs under its name', async () => {
    await at('/api/echo/42');
    await host.line(/^echo: asked for 42$/);
  });

  it('answers 500 without details when a function throws or returns what is no answer', async () => {
    for (const path of ['/api/fails', '/api/returnsText']) {
      const response = await at(path);
      expect([path, response.status, await response.text()]).toEqual([path, 500, '']);
    }
    await host.line(/^fails: GET \/api\/fails 500 in \d+ ms: Error: a detail/);
    await host.line(/^returnsText: .* 500 .*HTTP response must be an object/);
  });

  it('answers 204 for a function that returns nothing', async () => {
    expect((await at('/api/returnsNothing')).status).toBe(204);
  });

  it('sends status, headers and streams of the function', async () => {
    const response = await at('/api/created');
    expect([response.status, response.headers.get('etag')]).toEqual([201, '"1"']);
    expect(await (await at('/api/streams')).text()).toBe('one two');
  });

  it('fails for cookies, because the local host does not support cookies', async () => {
    expect((await at('/api/cookies')).status).toBe(500);
    await host.line(/^cookies: .* 500 .*does not support cookies/);
  });

  it('answers HEAD without a body where the function takes HEAD', async () => {
    const response = await at('/api/echo/1', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('answers in chunks', async () => {
    const response = await at('/api/echo');
    expect(response.headers.get('content-length')).toBeNull();
    expect(response.headers.get('transfer-encoding')).toBe('chunked');
  });

  it('refuses a body over the limit, with 413 or, without a key, with 500', async () => {
    const big = Buffer.alloc(1_001);
    const headers = { 'x-functions-key': 'key-host' };
    expect((await at('/api/takes', { method: 'POST', body: big })).status).toBe(500);
    expect((await at('/api/guarded', { method: 'POST', body: big, headers })).status).toBe(413);
    expect((await at('/api/takes', { method: 'POST', body: big.subarray(1) })).status).toBe(200);
  });

  it('hands over no body that has no Content-Length', async () => {
    const body = await new Promise<string>((resolve, reject) => {
      const sending = rawRequest(`${host.endpoints.url}/api/takes`, { method: 'POST' }, (response) => {
        response.setEncoding('utf8');
        response.on('data', resolve);
      });
      sending.on('error', reject);
      sending.write('one ');
      sending.end('two');
    });
    expect(JSON.parse(body)).toMatchObject({ function: 'takes', body: '' });
  });

  it('answers 500 for a header with other characters than ASCII', async () => {
    expect((await at('/api/badHeader')).status).toBe(500);
  });

  it('answers its own paths: some openly, most with the master key', async () => {
    const status = async (path: string, key?: string, method = 'GET') =>
      (await at(path, { method, headers: key ? { 'x-functions-key': key } : {} })).status;
    for (const path of ['/', '/admin/host/ping', '/admin/warmup'])
      expect([path, await status(path)]).toEqual([path, 200]);
    for (const path of ['/admin/host/status', '/admin/functions', '/admin/vfs/', '/runtime/webhooks/x'])
      expect([path, await status(path)]).toEqual([path, 401]);
    expect(await status('/admin/host/status', 'key-host')).toBe(401);
    expect(await status('/admin/host/status', 'key-master')).toBe(200);
  });

  it.each<[what: string, head: string, status: number]>([
    ['a long URL', `GET /api/echo?x=${'x'.repeat(9_000)} HTTP/1.1\r\nHost: x\r\n`, 414],
    ['many headers', `GET /api/echo HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(120)}`, 431],
    ['long headers', `GET /api/echo HTTP/1.1\r\nHost: x\r\na: ${'b'.repeat(33_000)}\r\n`, 431],
    ['dots in the path', 'GET /api/./nothing/../echo HTTP/1.1\r\nHost: x\r\n', 200],
    ['HTTP/1.0 without Host', 'GET /api/echo HTTP/1.0\r\n', 500],
    ['HTTP/1.1 without Host', 'GET /api/echo HTTP/1.1\r\n', 400],
    ['two Host headers', 'GET /api/echo HTTP/1.1\r\nHost: x\r\nHost: x\r\n', 400],
    ['a zero in the path', 'GET /api/echo/%00 HTTP/1.1\r\nHost: x\r\n', 400],
    ['an int with a sign', 'GET /api/numbers/+5 HTTP/1.1\r\nHost: x\r\n', 200],
    ['no int', 'GET /api/numbers/five HTTP/1.1\r\nHost: x\r\n', 404],
  ])('answers a request with %s as the real host does', async (_what, head, status) => {
    const { port } = new URL(host.endpoints.url ?? '');
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`${head}Connection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text.split('\r\n', 1)[0]).toContain(` ${status} `);
  });

  it('runs hooks around the function, and obeys them', async () => {
    expect(await (await at('/api/hooked')).text()).toBe('made, changed by a hook');
    await host.line(/^hooked: GET/);
    await host.line(/^hooked: changed by a log hook$/);
    const order = host.lines.filter((line) => /^hook |^function /.test(line));
    expect(order).toEqual([
      'hook appStart',
      'hook preInvocation',
      'function hooked',
      'hook postInvocation after preInvocation',
    ]);
  });
});

test('beyond maxOutstandingRequests the host answers 429 before it looks for function and key, except for its own paths', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'outstanding-'));
  const host = await startFixture(['--only', 'http', '--keys', join(fixtures, 'keys.json')], {
    AzureFunctionsJobHost__extensions__http__maxOutstandingRequests: '2',
  });
  try {
    const at = (path: string) => fetch(`${host.endpoints.url}${path}`);
    const file = join(folder, 'end');
    const slow = [at(`/api/slow?file=${file}`), at(`/api/slow?file=${file}`)];
    await waitFor(
      'both requests are under way',
      () => host.lines.filter((line) => line.includes('slow is under way')).length === 2,
    );
    for (const path of ['/api/slow', '/api/no-such-function']) {
      const refused = await at(path);
      expect([refused.status, await refused.text()]).toEqual([429, '']);
      expect(refused.headers.get('retry-after')).toBeNull();
      expect(refused.headers.get('x-function-scaleout')).toBe('1');
    }
    expect([(await at('/')).status, (await at('/admin/host/ping')).status]).toEqual([200, 200]);
    await writeFile(file, '');
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    await waitFor('there is room again', async () => (await at('/api/no-such-function')).status === 404);
  } finally {
    await host.stop();
    await rm(folder, { recursive: true });
  }
});
