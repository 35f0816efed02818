// The programs az, azd and npm of a test: useFakeAzure.ts puts them on the PATH. Each call is answered by the test's own process.
const [program, ...args] = process.argv.slice(2);
const response = await fetch(process.env.FAKE_AZURE_URL, {
  method: 'POST',
  body: JSON.stringify({ program, args, env: process.env }),
});
const { code, stdout, stderr } = await response.json();
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
