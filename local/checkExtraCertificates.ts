import { access, constants } from 'node:fs/promises';

/**
 * Node only warns when the file of further certificates cannot be read, and every TLS connection fails later, naming something else.
 *
 * @throws Error naming the file
 */
export async function checkExtraCertificates(file = process.env.NODE_EXTRA_CA_CERTS): Promise<void> {
  if (!file) return;
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new Error(`NODE_EXTRA_CA_CERTS names ${file}, which cannot be read: correct the path, or unset it`);
  }
}
