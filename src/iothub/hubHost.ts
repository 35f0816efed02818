/**
 * The host name of a hub, in lower case and without a port. Records name their hub by this name.
 *
 * @param connection a connection string, or a host name with managed identity
 * @returns null if the connection string names no host
 */
export function hubHostOf(connection: { connectionString: string } | { hostName: string }): string | null {
  const name =
    'hostName' in connection
      ? connection.hostName
      : /(?:^|;)\s*HostName=([^;]+)/i.exec(connection.connectionString)?.[1];
  return name?.trim().replace(/:\d+$/, '').toLowerCase() ?? null;
}
