import { deviceLink, runbookLink } from '../../../src/config/link.js';

test.each([
  'https://dashboard.balena-cloud.com/devices/{uuid}/summary',
  'https://portal.azure.com/#view/Devices/deviceId/{uuid}',
  'https://example.com/?device={uuid}',
])('%s is the template of a link', (text) => expect(deviceLink.parse(text)).toBe(text));

test.each([
  'http://dashboard.balena-cloud.com/devices/{uuid}',
  'javascript:alert("{uuid}")',
  'https://dashboard.balena-cloud.com/devices',
  'https://{uuid}.example.com/',
  'https://user:pass@example.com/{uuid}',
  'https://example.com/{uuid}/{fleet}',
  'https://example.com/{uuid} x',
  '{uuid}',
])('%s is no template of a link', (text) => expect(deviceLink.safeParse(text).success).toBe(false));

test('the address of the runbook is an https URL without a fragment', () => {
  const good = 'https://github.com/my_org/provisioner/blob/main/docs/runbook.md';
  expect(runbookLink.parse(good)).toBe(good);
  for (const bad of [
    `${good}#alerts`,
    good.replace('https', 'http'),
    'javascript:alert(1)',
    'docs/runbook.md',
  ])
    expect(runbookLink.safeParse(bad).success).toBe(false);
});
