import * as z from 'zod';
import { readCaCertificates } from '../shared/caCertificates.js';
import {
  hubConnectionString,
  insightsConnectionString,
  serviceBusConnectionString,
  storageConnectionString,
} from './connectionString.js';
import { deviceLink, runbookLink } from './link.js';
import { isPlainHttp, plainHttpFault } from './plainHttp.js';
import { schedule } from './schedule.js';

/**
 * A whole number in decimal digits. Forms like 1e3 and 0x10 are rejected as ambiguous.
 *
 * @param least the smallest accepted number
 * @param most the greatest accepted number
 * @param form the error message: the expected form and an example
 */
const limited = (least: number, most: number, form: string) =>
  z.string().regex(/^\d+$/, form).transform(Number).pipe(z.number().min(least, form).max(most, form));

/** As `limited`. @param fallback the number if the setting is missing */
const whole = (least: number, most: number, fallback: number, form: string) =>
  limited(least, most, form).default(fallback);

const list = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ''));

const renewAtForm = 'must be a fraction of the lifetime of a certificate, from 0.1 to 0.99, such as 0.8';

const storageAccount = z
  .string()
  .regex(
    /^[a-z0-9]{3,24}$/,
    "must be a storage account's name, 3 to 24 lower-case letters and digits, such as mystorage",
  );

/** A host name with a domain, as managed identity needs, and possibly a port. @param example for the error */
const hostName = (example: string) =>
  z
    .string()
    .regex(
      /^(localhost|[\w-]+(\.[\w-]+)+)(:\d+)?$/,
      `must be a host name with its domain, such as ${example}`,
    );

/** Whether a URL has neither a path nor a query nor a user. The paths of requests are appended to the URL. */
function isBare(text: string): boolean {
  const { pathname, search, hash, username } = new URL(text);
  return pathname === '/' && `${search}${hash}${username}` === '';
}

/** A secret of Standard Webhooks: at least 24 bytes in base64, with or without the padding. */
const webhookSecret = /^whsec_(?:[A-Za-z0-9+/]{4}){8,}(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

const balenaUrlForm = "must be the URL of balena's API without a path, such as https://api.balena-cloud.com/";
const collectorForm = 'must be a URL, such as https://collector.example:4318 or http://localhost:4318';
const queueForm =
  'must be the name of a queue: letters, digits, . - _ / with a letter or digit at both ends, such as provisioning';

const signInForm =
  'must be off, or the id of the Microsoft Entra tenant whose users may sign in, such as 72f988bf-86f1-41af-91ab-2d7cd011db47';

/** The certificates of a CA, see `readCaCertificates`. */
const caCertificates = z.string().transform((text, context) => {
  const read = readCaCertificates(text);
  if (typeof read !== 'string') return read;
  context.addIssue(read);
  return z.NEVER;
});

/** All settings, with form, default and error message. */
export const settings = z.object({
  BALENA_API_KEY: z
    .string(
      'is required: an API key that sees your fleets and may write their variables, such as 32 letters and digits from balenaCloud, Preferences, Access tokens',
    )
    .regex(
      /^[!-~]+$/,
      'must be an API key without blanks and special letters, such as 32 letters and digits',
    ),
  BALENA_API_URL: z
    .url({ protocol: /^https?$/, error: balenaUrlForm, abort: true })
    .refine(isBare, { error: balenaUrlForm, abort: true })
    .refine((url) => !isPlainHttp(url), `${balenaUrlForm}. The fault: ${plainHttpFault}`)
    .transform((url) => new URL(url).href)
    .default('https://api.balena-cloud.com/'),
  BALENA_REQUESTS_PER_MINUTE: limited(
    60,
    1_000_000,
    'must be a number of requests from 60 to 1000000, such as 3000',
  ).optional(),
  IOTHUB_CONNECTION_STRING: hubConnectionString.optional(),
  CONNECTION_STRING: hubConnectionString.optional(),
  IOTHUB_HOST_NAME: hostName('myhub.azure-devices.net').optional(),
  IOTHUB_TIER: z
    .string()
    // A hub may have a tier that this code does not know. Such a hub works, with the rate of IOTHUB_OPERATIONS_PER_MINUTE.
    .regex(/^[A-Z][A-Za-z]*\d$/, "must be the hub's tier, such as S1")
    .default('S1'),
  IOTHUB_UNITS: whole(1, 200, 1, 'must be the number of units, from 1 to 200, such as 1'),
  IOTHUB_OPERATIONS_PER_MINUTE: whole(
    1,
    1_000_000,
    0,
    'must be the registry operations a minute that the hub allows, from 1 to 1000000, such as 100',
  ),
  SERVICEBUS_CONNECTION: serviceBusConnectionString.optional(),
  SERVICEBUS_CONNECTION__fullyQualifiedNamespace: hostName('myspace.servicebus.windows.net').optional(),
  PROVISIONING_QUEUE: z
    .string()
    .regex(/^[a-z0-9]([\w./-]{0,258}[a-z0-9])?$/i, queueForm)
    .default('provisioning'),
  RECORDS_CONNECTION: storageConnectionString.optional(),
  RECORDS_CONNECTION__accountName: storageAccount.optional(),
  AzureWebJobsStorage: storageConnectionString.optional(),
  AzureWebJobsStorage__accountName: storageAccount.optional(),
  FLEETS: list
    // balena's own tools write slugs in lower case, too.
    .transform((slugs) => slugs.map((slug) => slug.toLowerCase()))
    .refine(
      (slugs) => slugs.every((slug) => /^[^/\s]+\/[^/\s]+$/.test(slug)),
      'must be fleet slugs, comma-separated, such as my_org/my_fleet',
    )
    .optional(),
  DEFAULT_SERVICE: z
    .string()
    .regex(
      /^(?!undefined$)[\w.-]{0,255}$/,
      'must be the name of a service, such as main, or nothing for the device level',
    )
    .default(''),
  DEVICE_LINK_BALENA: deviceLink.optional(),
  DEVICE_LINK_AZURE: deviceLink.optional(),
  RUNBOOK_LINK: runbookLink.optional(),
  OPS_SIGN_IN: z
    .string()
    .regex(/^(off|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i, signInForm)
    .transform((value) => value.toLowerCase())
    .default('off'),
  /** App Service sets this variable to True while App Service Authentication is on. */
  WEBSITE_AUTH_ENABLED: z.string().optional(),
  UNSERVED_IDENTITY: z
    .enum(['remove', 'disable'], 'must be remove or disable, such as remove')
    .default('remove'),
  WEBHOOK_SECRETS: list
    .refine(
      (secrets) => secrets.every((secret) => webhookSecret.test(secret)),
      'must be secrets in the form of Standard Webhooks, comma-separated, such as whsec_ and 32 random bytes in base64 (openssl rand -base64 32)',
    )
    .optional(),
  DEVICE_PROOF: z.enum(['off', 'accepted', 'required'], 'must be off, accepted or required').default('off'),
  CERT_KEY: z
    .enum(['ec-p256', 'rsa-2048'], 'must be ec-p256 or rsa-2048, such as ec-p256')
    .default('ec-p256'),
  CERT_DAYS: whole(1, 3_650, 365, 'must be days from 1 to 3650, such as 365'),
  CA_CERTIFICATE: caCertificates.optional(),
  CA_KEY_VAULT_KEY: z
    .string()
    .regex(
      /^https:\/\/[\w-]+(\.[\w-]+)+\/keys\/[0-9A-Za-z-]{1,127}(\/[0-9a-f]{32})?$/,
      'must be the URL of a key in Key Vault, such as https://myvault.vault.azure.net/keys/ca/0123456789abcdef0123456789abcdef',
    )
    .optional(),
  CA_FILE: z.string().optional(),
  RENEW_AT: z
    .string()
    .regex(/^0?\.\d+$/, renewAtForm)
    .transform(Number)
    .pipe(z.number().min(0.1, renewAtForm).max(0.99, renewAtForm))
    .default(0.8),
  KEEP_ISSUED_DAYS: whole(1, 365, 7, 'must be days from 1 to 365, such as 7'),
  KEEP_DEPROVISIONED_DAYS: whole(0, 3_650, 30, 'must be days from 1 to 3650, or 0 for ever, such as 30'),
  SWEEP_SCHEDULE: schedule.default('off'),
  RENEW_SCHEDULE: schedule.default('0 0 3 * * *'),
  MAX_ATTEMPTS: whole(1, 100, 10, 'must be a number from 1 to 100, such as 10'),
  LONGEST_BACK_OFF_SECONDS: whole(1, 86_400, 3_600, 'must be seconds from 1 to 86400, such as 3600'),
  WORK_LIMIT_SECONDS: whole(1, 150, 60, 'must be seconds from 1 to 150, such as 60'),
  LEASE_GRACE_SECONDS: whole(1, 150, 60, 'must be seconds from 1 to 150, such as 60'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: collectorForm, abort: true })
    .refine((url) => !isPlainHttp(url), `${collectorForm}. The fault: ${plainHttpFault}`)
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(
      ['http/json', 'http/protobuf'],
      'must be http/protobuf or http/json, with the endpoint for HTTP, such as http://localhost:4318: the worker does not speak gRPC',
    )
    .optional(),
  OTEL_SERVICE_NAME: z.string().max(255, 'must be a name, such as provisioner').optional(),
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString.optional(),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: z
    .string()
    .regex(
      /^(?=.*Authorization=AAD)/,
      'must be Authorization=AAD, or Authorization=AAD;ClientId=... for a user-assigned identity',
    )
    .optional(),
  WEBSITE_SITE_NAME: z.string().optional(),
  DUPLICATE_WINDOW_SECONDS: whole(20, 604_800, 600, 'must be seconds from 20 to 604800, such as 600'),
});

/** The names of all settings. A test compares them with the settings in infra/. */
export const settingNames: readonly string[] = Object.keys(settings.shape);
