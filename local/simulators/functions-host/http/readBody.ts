import type { IncomingMessage } from 'node:http';

/** 100 MB, as on Azure; the setting there has the same name. */
const defaultLimit = 104_857_600;

/** @returns the body's bytes, or `too-large` */
export async function readBody(
  request: IncomingMessage,
  limitBytes = Number(process.env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT || defaultLimit),
): Promise<Buffer | 'too-large'> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) return 'too-large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
