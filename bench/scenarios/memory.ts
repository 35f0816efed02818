import { randomBytes } from 'node:crypto';
import { load } from '../load.js';
import { postProvision } from '../postProvision.js';
import { quietStack } from '../quietStack.js';
import { residentMb } from '../residentMb.js';

/** Memory of the hosts with nothing to do, and with so many requests waiting for the hub. */
export async function memory(
  waiting: number,
): Promise<{ host: string; 'idle MB': number; [waiting: string]: number | string }[]> {
  const stack = await quietStack({ hosts: ['http', 'worker'] });
  try {
    const { url, provisionKey } = stack.endpoints.functions;
    const measure = () => Promise.all(stack.hosts.map(({ process }) => residentMb(process.pid)));
    const idle = await measure();
    await load(waiting, 50, () => postProvision(url, provisionKey, randomBytes(16).toString('hex')));
    const full = await measure();
    return ['http', 'worker'].map((host, i) => ({
      host,
      'idle MB': idle[i] ?? 0,
      [`${waiting} waiting, MB`]: full[i] ?? 0,
    }));
  } finally {
    await stack.close();
  }
}
