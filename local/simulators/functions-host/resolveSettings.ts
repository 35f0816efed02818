/**
 * Puts settings in place of `%NAME%`, as in `queueName: '%PROVISIONING_QUEUE%'`.
 *
 * @throws Error naming a setting that is not there
 */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv = process.env): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (!value) throw new Error(`'%${name}%' does not resolve to a value: set ${name}`);
    return value;
  });
}
