import { RequestError } from '../refusal.js';

/** A word (`name`, `$select`, `@alias`), a literal, or a sign. */
export interface Token {
  kind: 'word' | 'text' | 'number' | 'sign' | 'end';
  text: string;
}

/** Looks at the tokens of an OData expression one by one. */
export interface Reader {
  peek(): Token;
  next(): Token;
  /** Takes the next token if it is this word or sign. */
  take(text: string): boolean;
  /** @throws Refusal 400 when the next token is another */
  expect(text: string): void;
  /** @throws Refusal 400 when the next token is not a word */
  word(): string;
  /** @throws Refusal 400, naming the next token and what it is a part of */
  fail(wanted: string): never;
}

const tokens = /\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)(?!\w)|([$@]?[A-Za-z_]\w*)|([(),;:/=*]))\s*/y;

/** @param text decoded, such as `name eq 'a' and device/any(d:d/id eq 1)` */
export function createReader(text: string): Reader {
  const list = tokenize(text);
  let at = 0;
  const peek = (): Token => list[at] ?? { kind: 'end', text: '' };
  const next = () => {
    const token = peek();
    at += 1;
    return token;
  };
  const fail = (wanted: string): never => {
    const { kind, text: found } = peek();
    throw new RequestError(
      400,
      `Malformed url: expected ${wanted}, not ${kind === 'end' ? 'its end' : found} in: ${text}`,
    );
  };
  const isSign = (wanted: string) => {
    const token = peek();
    return (token.kind === 'sign' || token.kind === 'word') && token.text === wanted;
  };
  return {
    peek,
    next,
    fail,
    take(wanted) {
      const found = isSign(wanted);
      if (found) at += 1;
      return found;
    },
    expect(wanted) {
      if (!isSign(wanted)) fail(wanted);
      at += 1;
    },
    word() {
      if (peek().kind !== 'word') fail('a name');
      return next().text;
    },
  };
}

function tokenize(text: string): Token[] {
  const list: Token[] = [];
  let at = 0;
  while (at < text.length) {
    tokens.lastIndex = at;
    const match = tokens.exec(text);
    if (!match) throw new RequestError(400, `Malformed url: cannot read ${text.slice(at)}`);
    const [, quoted, number, word, sign] = match;
    if (quoted !== undefined) list.push({ kind: 'text', text: quoted.slice(1, -1).replaceAll("''", "'") });
    else if (number !== undefined) list.push({ kind: 'number', text: number });
    else if (word !== undefined) list.push({ kind: 'word', text: word });
    else if (sign !== undefined) list.push({ kind: 'sign', text: sign });
    at = tokens.lastIndex;
  }
  return list;
}
