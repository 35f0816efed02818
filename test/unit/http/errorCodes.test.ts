import { describeApi } from '../../../src/http/openApi/describe.js';
import { errorCodes } from '../../../src/shared/errorPolicy.js';

interface Schema {
  $ref?: string;
  enum?: string[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
}
const { schemas } = (describeApi() as { components: { schemas: Record<string, Schema> } }).components;

/** The paths of all properties with the name `code`, whose value is one of the error codes. */
function codesIn(schema: Schema, path: string): string[] {
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const isCode = [property, ...(property.anyOf ?? [])].some(
        ({ $ref }) => $ref === '#/components/schemas/ErrorCode',
      );
      return isCode ? [`${path}.${name}`] : codesIn(property, `${path}.${name}`);
    }),
    ...(schema.anyOf ?? []).flatMap((each) => codesIn(each, path)),
    ...(schema.items ? codesIn(schema.items, `${path}[]`) : []),
  ];
}

test('OpenAPI enumerates the codes of the error policy', () => {
  expect(schemas.ErrorCode?.enum).toEqual(errorCodes);
});

test('the code of a failure in an answer is one of them', () => {
  expect(
    Object.entries(schemas)
      .flatMap(([name, schema]) => codesIn(schema, name))
      .sort(),
  ).toEqual([
    'Device.error.code',
    'Device.refusal.error.code',
    'DeviceHistory.device.error.code',
    'DeviceHistory.device.refusal.error.code',
    'DeviceHistory.history[].steps[].code',
    'Overview.failures[].code',
    'RecordLine.code',
  ]);
});
