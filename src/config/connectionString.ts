import * as z from 'zod';
import { isLoopback, isPlainHttp, plainHttpFault } from './plainHttp.js';

/** The form of the connection strings of one system. */
interface Form {
  /** For the error: the kind of string, with an example. */
  text: string;
  /** The sets of parts of which one must be there. */
  complete: readonly (readonly string[])[];
  /** All parts, each with the form of its value. */
  parts: Readonly<Record<string, RegExp>>;
  /** Parts of other connection strings, each with the hint for the error. */
  foreign?: Readonly<Record<string, string>>;
  /** Whether the parts together mean a connection without encryption to another machine. */
  isPlain?: (parts: ReadonlyMap<string, string>) => boolean;
}

const anything = /./;
const host = /^[\w-]+(\.[\w-]+)*(:\d+)?$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const url = /^https?:\/\/[\w.-]+(:\d+)?(\/[\w.-]*)*$/;

const ofHub = 'the value belongs to an IoT Hub';
const ofServiceBus = 'the value belongs to Service Bus or Event Hubs';
const ofStorage = 'the value belongs to a storage account';

/** A policy of an IoT Hub. */
export const hubConnectionString = connectionString({
  text: 'an IoT Hub connection string, such as HostName=myhub.azure-devices.net;SharedAccessKeyName=registryReadWrite;SharedAccessKey=...',
  complete: [['HostName', 'SharedAccessKeyName', 'SharedAccessKey']],
  parts: { HostName: host, SharedAccessKeyName: anything, SharedAccessKey: base64 },
  foreign: {
    DeviceId: 'the value belongs to a device: use the connection string of a shared access policy',
    Endpoint: ofServiceBus,
    AccountName: ofStorage,
  },
});

/** A namespace, or a queue, of Service Bus. */
export const serviceBusConnectionString = connectionString({
  text: 'a Service Bus connection string, such as Endpoint=sb://myspace.servicebus.windows.net/;SharedAccessKeyName=...;SharedAccessKey=...',
  complete: [['Endpoint', 'SharedAccessKeyName', 'SharedAccessKey']],
  parts: {
    Endpoint: /^sb:\/\/[\w-]+(\.[\w-]+)*(:\d+)?\/?$/,
    SharedAccessKeyName: anything,
    SharedAccessKey: anything,
    EntityPath: anything,
    TransportType: anything,
    UseDevelopmentEmulator: /^(true|false)$/i,
  },
  foreign: { HostName: ofHub, AccountName: ofStorage },
  // For an emulator, the SDK speaks AMQP without TLS.
  isPlain: (parts) =>
    /^true$/i.test(parts.get('UseDevelopmentEmulator') ?? '') &&
    !isLoopback((parts.get('Endpoint') ?? '').replace(/^sb:\/\//, '').replace(/(:\d+)?\/?$/, '')),
});

const endpointsOf = (service: string) => ({
  [`${service}Endpoint`]: url,
  [`${service}SecondaryEndpoint`]: url,
});

/** A storage account. */
export const storageConnectionString = connectionString({
  text: 'a storage connection string, such as DefaultEndpointsProtocol=https;AccountName=...;AccountKey=...',
  complete: [
    ['DefaultEndpointsProtocol', 'AccountName', 'AccountKey'],
    ['TableEndpoint', 'SharedAccessSignature'],
    ['UseDevelopmentStorage'],
  ],
  parts: {
    DefaultEndpointsProtocol: /^https?$/,
    AccountName: /^[a-z0-9]{3,24}$/,
    AccountKey: base64,
    EndpointSuffix: host,
    ...endpointsOf('Blob'),
    ...endpointsOf('File'),
    ...endpointsOf('Queue'),
    ...endpointsOf('Table'),
    SharedAccessSignature: anything,
    UseDevelopmentStorage: /^true$/,
    DevelopmentStorageProxyUri: url,
  },
  foreign: { HostName: ofHub, Endpoint: ofServiceBus },
  // Without an endpoint, the SDK derives the endpoint from the protocol.
  isPlain: (parts) => parts.get('DefaultEndpointsProtocol') === 'http' && !parts.has('TableEndpoint'),
});

/** A resource of Application Insights. */
export const insightsConnectionString = connectionString({
  text: 'a connection string of Application Insights, such as InstrumentationKey=...;IngestionEndpoint=https://...',
  complete: [['InstrumentationKey']],
  parts: {
    InstrumentationKey: /^[\w-]+$/,
    IngestionEndpoint: url,
    LiveEndpoint: url,
    ProfilerEndpoint: url,
    SnapshotEndpoint: url,
    ApplicationId: anything,
    EndpointSuffix: host,
    Location: anything,
    Authorization: anything,
    AADAudience: anything,
  },
});

/** The name of the queue in a connection string of Service Bus; undefined if the string has none. */
export function queueIn(text: string): string | undefined {
  return /(?:^|;)EntityPath=([^;]+)/.exec(text)?.[1];
}

/** A schema that names the fault of a connection string. The error contains no text of the string, because the string holds a key. */
function connectionString(form: Form) {
  return z.string().superRefine((text, context) => {
    const fault = faultOf(text, form);
    if (fault !== null)
      context.addIssue({ code: 'custom', message: `must be ${form.text}. The fault: ${fault}` });
  });
}

function faultOf(
  text: string,
  { parts, complete, foreign = {}, isPlain = () => false }: Form,
): string | null {
  if (/["'`“”‘’]/.test(text)) return 'the value has a quote';
  if (/\s/.test(text)) return 'the value has a blank or a line break';
  const found = new Map<string, string>();
  for (const pair of text.replace(/;$/, '').split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(at, 0));
    const value = pair.slice(at + 1);
    const hint = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
    if (hint !== undefined) return hint;
    if (!Object.hasOwn(parts, name)) return `a part is none of ${Object.keys(parts).join(', ')}`;
    if (value === '') return `the part ${name} is empty`;
    if (!parts[name]?.test(value)) return `the value of ${name} has a wrong form`;
    if (found.has(name)) return `the part ${name} is there twice`;
    if (isPlainHttp(value)) return plainHttpFault;
    found.set(name, value);
  }
  const missing = complete.map((names) => names.filter((name) => !found.has(name)));
  if (missing.some((names) => names.length === 0)) return isPlain(found) ? plainHttpFault : null;
  // The set with the fewest missing parts is the intended one.
  const [fewest = []] = missing.toSorted((a, b) => a.length - b.length);
  return `${fewest.join(' and ')} missing`;
}
