type Settings = Record<string, string | undefined>;

/** Which dependencies the settings name: those are used instead of their simulator. */
export function realSettings(settings: Settings) {
  const any = (...names: string[]) => names.some((name) => settings[name]?.trim());
  return {
    balena: any('BALENA_API_KEY'),
    iotHub: any('IOTHUB_CONNECTION_STRING', 'CONNECTION_STRING', 'IOTHUB_HOST_NAME'),
    serviceBus: any('SERVICEBUS_CONNECTION', 'SERVICEBUS_CONNECTION__fullyQualifiedNamespace'),
    tables: any('RECORDS_CONNECTION', 'RECORDS_CONNECTION__accountName'),
  };
}
