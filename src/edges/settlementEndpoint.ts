/**
 * Where the Functions host that started this worker takes calls: `--functions-uri http://127.0.0.1:PORT/` from newer hosts,
 * `--host 127.0.0.1 --port PORT` from older ones.
 *
 * @param args the worker's command line
 * @returns host and port, or null if this is not a Functions worker
 */
export function settlementEndpoint(args: readonly string[]): string | null {
  const value = (name: string) => {
    const joined = args.find((arg) => arg.startsWith(`${name}=`));
    return joined ? joined.slice(name.length + 1) : args[args.indexOf(name) + 1 || args.length];
  };
  const uri = value('--functions-uri');
  if (uri) return new URL(uri).host;
  const [host, port] = [value('--host'), value('--port')];
  return host && port ? `${host}:${port}` : null;
}
