import { Agent, request } from 'node:http';
import type { Received, Sent } from './Sent.js';

/** Sends requests unchanged, over a few kept connections. */
export function sender(baseUrl: string) {
  const { hostname, port } = new URL(baseUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const send = ({ method, target, headers, body }: Sent) =>
    new Promise<Received>((resolve, reject) => {
      const length = { 'content-length': String(body.length) };
      const options = { agent, hostname, port, method, path: target, headers: { ...headers, ...length } };
      const asking = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
            headers: response.rawHeaders.join('\n'),
          }),
        );
      });
      asking.setTimeout(15_000, () => asking.destroy(new Error('there was no answer')));
      asking.on('error', reject);
      asking.end(body);
    });
  return { send, close: () => agent.destroy() };
}
