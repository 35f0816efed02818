import { connect } from 'node:net';
import fc from 'fast-check';
import { body } from './bodies.js';
import type { Known } from './requests.js';
import { uuids } from './texts.js';

const host = fc.oneof(
  { weight: 4, arbitrary: fc.constant('Host: localhost') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'Host:',
      'Host: a b',
      'Host: user:pass@x',
      'Host: [',
      'Host: x:99999',
      'Host: %',
      '',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Host: a\r\nHost: b', 'Host: \u00ff', 'Host: a/b?c#d', 'Host: \\\\x'),
  },
);
const start = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      `POST /api/provision HTTP/1.1`,
      `POST /api/webhook HTTP/1.1`,
      `DELETE /api/provision/${uuids[0]} HTTP/1.1`,
      `GET /api/provision/${uuids[0]} HTTP/1.1`,
      'GET /api/health HTTP/1.1',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'POST /api/provision HTTP/1.0',
      'POST /api/provision HTTP/9.9',
      'POST http://elsewhere/api/provision HTTP/1.1',
      'POST //elsewhere/api/provision HTTP/1.1',
      'GET /api/provision/\u00e4\u00ff HTTP/1.1',
      'GET /api/health#x HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'CONNECT localhost:1 HTTP/1.1',
      'GET',
      '\u0016\u0003\u0001',
      '',
    ),
  },
);
/** `size` stands for the correct length. */
const length = fc.constantFrom(
  'Content-Length: size',
  'Content-Length: size',
  'Content-Length: 0',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Content-Length: 99999999999999999999',
  'Content-Length: 200000000',
  'Content-Length: size\r\nContent-Length: 1',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  '',
);
const line = fc.oneof(
  { weight: 4, arbitrary: fc.constant('Accept: */*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Expect: 100-continue',
      'Expect: a miracle',
      'Upgrade: websocket\r\nConnection: upgrade',
      'X: a\r\n folded',
      'X: a\nY: b',
      'X: \u0000',
      'X : y',
      ': y',
      `X: ${'x'.repeat(40_000)}`,
      Array.from({ length: 3_000 }, (_, at) => `X${at}: y`).join('\r\n'),
      'x-functions-key: a\r\nx-functions-key: b',
      'webhook-signature: v1,\u00ff\r\nwebhook-id: \u00ff\r\nwebhook-timestamp: 1',
    ),
  },
);

/** Bytes that are a request, or nearly. */
export function rawRequest({ keys }: Known): fc.Arbitrary<Uint8Array> {
  const key = fc.constantFrom(...Object.values(keys), 'x\u00ff').map((each) => `x-functions-key: ${each}`);
  return fc.tuple(start, host, key, length, line, body).map(([first, ...rest]) => {
    const bytes = rest.pop() as Uint8Array;
    const lines = [first, ...(rest as string[])].filter((each) => each !== '');
    const head = `${lines.join('\r\n')}\r\n\r\n`.replaceAll(': size', `: ${bytes.length}`);
    return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
  });
}

const patienceMs = 400;

/** @returns the answers that came before the end of the connection, or before a pause */
export function sendRaw(url: string, bytes: Uint8Array): Promise<{ status: number; text: string }[]> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close the connection during the write, and must still be running.
      if (error.code === 'ECONNREFUSED') reject(error);
    });
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const answers = text.split(/^(?=HTTP\/1\.1 \d{3} )/m).filter((each) => each !== '');
      resolve(answers.map((each) => ({ status: Number(each.split(' ')[1]), text: each })));
    });
    socket.write(bytes);
  });
}
