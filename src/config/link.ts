import * as z from 'zod';

const deviceForm =
  'must be an https URL with {uuid} in its path, its query or its fragment, such as https://dashboard.balena-cloud.com/devices/{uuid}/summary';
const runbookForm =
  'must be the https URL of docs/runbook.md as your team reads the file, such as https://github.com/my_org/provisioner/blob/main/docs/runbook.md';

/** Whether a text is a URL with https, without a user, and with the same host whatever replaces the placeholder. */
function isHttps(text: string): boolean {
  const [one, two] = ['a', 'b'].map((value) => parsed(text.replaceAll('{uuid}', value)));
  if (!one || !two) return false;
  return one.protocol === 'https:' && one.host === two.host && one.username === '' && one.password === '';
}

function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The template of a link to a device: `{uuid}` is replaced by the device's UUID. */
export const deviceLink = z
  .string()
  .refine((text) => text.includes('{uuid}') && !/[{}\s]/.test(text.replaceAll('{uuid}', '')), {
    error: deviceForm,
    abort: true,
  })
  .refine(isHttps, deviceForm);

/** The address of the runbook. The page appends the section. */
export const runbookLink = z
  .string()
  .refine((text) => !/[{}#\s]/.test(text), { error: runbookForm, abort: true })
  .refine(isHttps, runbookForm);
