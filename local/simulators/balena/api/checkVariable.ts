import { RequestError } from '../refusal.js';

const reservedNames = ['RESIN', 'BALENA', 'USER'];
const reservedPrefixes = ['RESIN_', 'BALENA_'];

/** Characters, not bytes. */
const longestName = 255;
const longestValue = 100_000;

/** @throws Refusal 400 with balena's own words, for a name or value that it does not take */
export function checkVariable({ name, value }: Record<string, unknown>): void {
  if (typeof name === 'string') checkName(name);
  if (typeof value === 'string') checkValue(value);
}

function checkName(name: string): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    throw new RequestError(
      400,
      'Environment variable names can only contain alphanumeric characters and underscores.',
    );
  }
  if (reservedNames.includes(name)) {
    throw new RequestError(400, `Environment variables ${reservedNames.join(', ')} are reserved`);
  }
  if (reservedPrefixes.some((prefix) => name.startsWith(prefix))) {
    throw new RequestError(
      400,
      `Environment variables beginning with ${reservedPrefixes.join(', ')} are reserved.`,
    );
  }
  if (name.length > longestName) {
    throw new RequestError(400, `"name" longer than ${longestName} characters (${name.length})`);
  }
}

function checkValue(value: string): void {
  if (/[\r\n]/.test(value)) throw new RequestError(400, 'Variable values cannot contain line break characters');
  if (value.length > longestValue) {
    throw new RequestError(400, `"value" longer than ${longestValue} characters (${value.length})`);
  }
}
