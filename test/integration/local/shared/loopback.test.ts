import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { listen, localCertificate } from '../../../../local/simulators/shared/loopback.js';

describe('localCertificate', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'certificate-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is accepted for localhost by a client that trusts its file, and stays the same', async () => {
    const first = await localCertificate(folder);
    const second = await localCertificate(folder);
    expect(second.cert).toBe(first.cert);
    const server = createServer({ key: second.key, cert: second.cert });
    const port = await listen(server, 0);
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: 'localhost', port, ca: first.cert }, () => {
        socket.end();
        resolve();
      });
      socket.on('error', reject);
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('is accepted by a client that trusts others of its kind as well', async () => {
    const [first, second] = await Promise.all(['a', 'b'].map((name) => localCertificate(join(folder, name))));
    const server = createServer({ key: second!.key, cert: second!.cert });
    const port = await listen(server, 0);
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host: 'localhost', port, ca: [first!.cert, second!.cert] }, () => {
        socket.end();
        resolve();
      });
      socket.on('error', reject);
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('fails on a taken port with its number, or moves to a free one', async () => {
    const { key, cert } = await localCertificate(folder);
    const [one, two] = [createServer({ key, cert }), createServer({ key, cert })];
    const port = await listen(one, 0);
    await expect(listen(two, port)).rejects.toThrow(`port ${port} is in use`);
    expect(await listen(two, port, true)).not.toBe(port);
    one.close();
    two.close();
  });
});
