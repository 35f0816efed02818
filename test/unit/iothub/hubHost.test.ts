import { hubHostOf } from '../../../src/iothub/hubHost.js';

test.each([
  [{ hostName: 'My-Hub.azure-devices.net' }, 'my-hub.azure-devices.net'],
  [{ hostName: 'localhost:8443' }, 'localhost'],
  [
    { connectionString: 'HostName=my-hub.azure-devices.net;SharedAccessKeyName=a;SharedAccessKey=b' },
    'my-hub.azure-devices.net',
  ],
  [
    { connectionString: 'SharedAccessKeyName=a; HostName=localhost:8443;SharedAccessKey=HostName=' },
    'localhost',
  ],
  [{ connectionString: 'SharedAccessKeyName=a' }, null],
])('the host name of %j is %s', (connection, expected) => {
  expect(hubHostOf(connection)).toBe(expected);
});
