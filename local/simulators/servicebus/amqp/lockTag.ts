/** The bytes of a lock token on a link are a .NET GUID: its first three groups are little-endian. */
const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** The delivery tag of a message with this lock token. */
export function lockTag(lockToken: string): Buffer {
  const bytes = Buffer.from(lockToken.replaceAll('-', ''), 'hex');
  return Buffer.from(order.map((at) => bytes[at]!));
}

/** The lock token of a delivery tag. */
export function lockTokenOfTag(tag: Buffer): string {
  return lockTokenOf(Buffer.from(order.map((at) => tag[at] ?? 0)));
}

/** The lock token in 16 bytes in the order of RFC 9562, as management requests name it. */
export function lockTokenOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
