import { join } from 'node:path';
import type { Endpoints } from './Endpoints.js';

/** What to try with a system that has just started, as commands that work when pasted. */
export function nextSteps({ functions, balena }: Endpoints, folder: string): string {
  const { url, provisionKey, deprovisionKey, opsKey } = functions;
  const uuid = balena?.devices.at(-1)?.uuid ?? '<uuid of a device>';
  const json = `-H 'content-type: application/json' -d '{"uuid": "${uuid}", "balena_service": "main"}'`;
  const examples = [
    ['Ask for credentials', `curl -i -X POST '${url}/api/provision?code=${provisionKey}' ${json}`],
    ['See how far it is', `curl -s '${url}/api/provision/${uuid}' -H 'x-functions-key: ${provisionKey}'`],
    ['Undo it', `curl -i -X DELETE '${url}/api/provision/${uuid}' -H 'x-functions-key: ${deprovisionKey}'`],
    ['Is all well?', `curl -s '${url}/api/health' -H 'x-functions-key: ${opsKey}'`],
    ['See it, and put it right, in a browser', `${url}/api/ops asks for the key ${opsKey}`],
    ...(balena ? [['Play a new device', 'npm run device -- --new']] : []),
  ];
  const lines = examples.map(([what, command]) => `  ${what}:\n    ${command}`).join('\n');
  return ` What to try next, in another terminal:\n${lines}\n  All addresses and keys: ${join(folder, 'endpoints.json')}. Stop with Ctrl-C.\n`;
}
