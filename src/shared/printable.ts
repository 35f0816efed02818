/*
 * Names from outside (services, fleets, operators) can hold control characters. In a terminal or a log, such characters clear the screen, add
 * lines, or change the order of the letters. The functions of this file stand where texts leave the product.
 */

/** Control and format characters, separators of lines and paragraphs, and halves of surrogate pairs. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A colour or style of the CLI, a line break, or an unsafe character. */
const colorOrUnsafe = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m|${unsafe.source}`, 'gu');

const escaped = (character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`;

/** Makes a text safe for one line of a log or a terminal: each unsafe character, also a line break, becomes `\u{…}`. */
export function oneLine(text: string): string {
  return text.replace(unsafe, escaped);
}

/** Makes all texts in a JSON value safe, see `oneLine`. The value itself stays as it is. */
export function printable<T>(value: T): T {
  if (typeof value === 'string') return oneLine(value) as T;
  if (Array.isArray(value)) return value.map(printable) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [oneLine(name), printable(each)]),
  ) as T;
}

/** Makes a formatted text safe for a terminal. Line breaks, colours and styles stay. */
export function terminalText(text: string): string {
  return text.replace(colorOrUnsafe, (found) =>
    found === '\n' || found.length > 2 ? found : escaped(found),
  );
}

/** A value as JSON that is safe in a terminal: every unsafe character is an escape sequence of JSON. Parsers see the same value. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
