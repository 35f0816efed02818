import type { Document, ShellBlock } from '../../local/docs/documents.js';
import { shellBlocks } from '../../local/docs/documents.js';

/** The tests that run all commands of a document unchanged, except the commands with a reason below. */
export const runBy: Readonly<Record<string, string>> = {
  'README.md': 'test/e2e/start.test.ts',
  'docs/http-api.md': 'test/e2e/start.test.ts',
  'docs/development.md': 'test/e2e/start.test.ts',
  'docs/local-host.md': 'test/e2e/start.test.ts',
  'docs/migrate.md': 'test/e2e/start.test.ts',
  'docs/cli.md': 'test/e2e/cli.test.ts',
  'docs/proof.md': 'test/e2e/proof.test.ts',
  'docs/own-keys.md': 'test/e2e/ownKeys.test.ts',
  'device/README.md': 'test/e2e/deviceBlock.test.ts',
  'docs/webhooks.md': 'test/e2e/webhook.test.ts',
};

/** Commands that no test runs, with the reason. */
export const notRun: readonly { pattern: RegExp; reason: string }[] = [
  {
    pattern: /^(?:[A-Z_]+=\$\()?(?:az|azd|in_app)\b|^set -a; eval "\$\(azd /,
    reason: 'needs Azure. ShellCheck reads the command, and programs that play az and azd run the hooks',
  },
  {
    pattern: /^npm ci && npm (?:start|test)\b/,
    reason: '.ci/run runs npm ci and npm test; test/e2e/start.test.ts starts the program of npm start',
  },
  {
    pattern: /^npm run broker /,
    reason: 'runs until it is stopped; test/integration/docs/scripts.test.ts checks the options',
  },
  {
    pattern: /^SERVICEBUS_CONNECTION_STRING=/,
    reason: 'needs .NET; test/dotnet/client.test.ts runs the program',
  },
  {
    pattern: /^npm install --global \.$|^provisioner completion bash > /,
    reason: 'changes the installation of the user. test/unit/cli/usage.test.ts runs the completion of bash',
  },
  { pattern: /^PROTOCOL_SEED=|^PROTOCOL_RUNS=/, reason: 'searches for minutes' },
];

/** @returns the commands of a block, without comments, each on one line */
export function commandsOf({ commands }: ShellBlock): string[] {
  return commands
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** @returns the reason why no test runs the command; undefined if a test must run the command */
export const reasonFor = (command: string) => notRun.find(({ pattern }) => pattern.test(command))?.reason;

/** @returns the blocks of a document that a test runs */
export function runnableBlocks(document: Document): ShellBlock[] {
  return shellBlocks(document).filter((block) => commandsOf(block).some((each) => !reasonFor(each)));
}

/** @returns the commands in the text of a document, in backticks, that begin with one of these words */
export function inlineCommands(text: string, ...words: string[]): string[] {
  const begin = words.join('|');
  return [...text.matchAll(new RegExp(`\`((?:${begin}) [^\`\n]+)\``, 'g'))].map(([, each = '']) => each);
}

const examples: Readonly<Record<string, string>> = {
  '"$DEVICE"': '0123456789abcdef0123456789abcdef',
  '"$FLEET"': 'my_org/my_fleet',
  '<uuid>': '0123456789abcdef0123456789abcdef',
  '<slug>': 'my_org/my_fleet',
  '<service>': 'main',
  '<name>': 'main',
  '<code>': 'service-not-found',
};

/**
 * @param values the words in the place of variables and placeholders; default: examples
 * @returns the arguments of a command of `provisioner`
 */
export function cliArguments(command: string, values = examples): string[] {
  const [, rest = ''] = /^(?:npx )?provisioner\s+(.*)$/.exec(command) ?? [];
  return (rest.match(/"[^"]*"|\S+/g) ?? []).map((word) => values[word] ?? word.replaceAll('"', ''));
}
