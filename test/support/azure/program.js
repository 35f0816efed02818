// The programs az, azd and npm of a test: useFakeAzure.ts puts them on the PATH. Each call is answered by the test's own process. The module
// http starts faster than fetch.
import { request } from 'node:http';

const [program, ...args] = process.argv.slice(2);
const sent = request(process.env.FAKE_AZURE_URL, { method: 'POST' }, async (response) => {
  let text = '';
  for await (const chunk of response) text += chunk;
  const { code, stdout, stderr } = JSON.parse(text);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
});
sent.end(JSON.stringify({ program, args, env: process.env }));
