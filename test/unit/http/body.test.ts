import { parseJsonObject, readBody } from '../../../src/http/body.js';
import type { ApiArea } from '../../../src/http/errors.js';
import { requestWith } from '../../support/request.js';

const areas: ApiArea[] = ['provision', 'webhook', 'ops'];

test.each(areas)('a body of %s is read as it was sent, byte by byte', async (area) => {
  expect(await readBody(requestWith({ body: '\ufeff {"a": "\u00e4"}\n' }), area)).toBe(
    '\ufeff {"a": "\u00e4"}\n',
  );
  expect(await readBody(requestWith({}), area)).toBe('');
});

test.each(areas)('a body of %s above 16 KiB is rejected with 413', async (area) => {
  const most = 'x'.repeat(16 * 1024);
  expect(await readBody(requestWith({ body: most }), area)).toBe(most);
  await expect(readBody(requestWith({ body: `${most}x` }), area)).rejects.toMatchObject({
    code: `${area}.request.too-large`,
    status: 413,
  });
});

test.each(areas)('only a JSON object or an empty body is accepted by %s', (area) => {
  expect(parseJsonObject('\ufeff {"a": 1}\n', area)).toEqual({ a: 1 });
  for (const text of ['', ' \n', '\ufeff']) expect(parseJsonObject(text, area)).toBeNull();
  for (const text of ['{', 'null', '[]', '"a"', '7']) {
    expect(() => parseJsonObject(text, area, '{"a": 1}')).toThrow(
      expect.objectContaining({
        code: `${area}.request.bad-body`,
        message: expect.stringContaining('Send, for example: {"a": 1}'),
      }),
    );
  }
});
