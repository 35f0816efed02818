import { namedSchemas } from './operation.js';
import { opsPaths } from './opsPaths.js';
import { provisionPaths } from './provisionPaths.js';

/** Describes the whole HTTP API in OpenAPI 3.1, from the schemas of the code. */
export function describeApi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'balena → Azure IoT Hub provisioner',
      version: '1',
      description:
        'Gets balena devices onto Azure IoT Hub. Errors are problem documents (RFC 9457) with a stable code.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: { ...provisionPaths, ...opsPaths() },
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        header: { type: 'apiKey', in: 'header', name: 'x-functions-key' },
        query: { type: 'apiKey', in: 'query', name: 'code' },
        signature: { type: 'apiKey', in: 'header', name: 'webhook-signature' },
        svixSignature: { type: 'apiKey', in: 'header', name: 'svix-signature' },
        secret: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}
