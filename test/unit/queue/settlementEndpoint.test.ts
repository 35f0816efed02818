import { settlementEndpoint } from '../../../src/queue/settlement.js';

const worker = ['node', 'nodejsWorker.js', '--workerId', 'w', '--requestId', 'r'];

test.each([
  [
    'a newer host',
    [...worker, '--functions-uri', 'http://127.0.0.1:5001/', '--functions-grpc-max-message-length', '1'],
  ],
  ['a newer host, joined', [...worker, '--functions-uri=http://127.0.0.1:5001/']],
  ['an older host', [...worker, '--host', '127.0.0.1', '--port', '5001']],
  ['an older host, joined', [...worker, '--port=5001', '--host=127.0.0.1']],
  ['a host that names both', ['--host', 'old', '--port', '1', '--functions-uri', 'http://127.0.0.1:5001/']],
])('%s says where it takes settlements', (_, args) => {
  expect(settlementEndpoint(args)).toBe('http://127.0.0.1:5001');
});

test('the scheme of the address is kept', () => {
  expect(settlementEndpoint(['--functions-uri', 'https://127.0.0.1:5001/'])).toBe('https://127.0.0.1:5001');
});

test.each([
  ['no host', ['node', 'main.js']],
  ['a host without a port', ['node', 'main.js', '--host', '127.0.0.1']],
  ['a name at the end, without its value', ['node', 'main.js', '--functions-uri']],
])('%s is no worker of a Functions host', (_, args) => {
  expect(settlementEndpoint(args)).toBeNull();
});
