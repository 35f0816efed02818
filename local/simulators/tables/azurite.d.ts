/** Types for the parts of Azurite that serve tables. Azurite ships no types. */
declare module 'azurite/dist/src/table/TableServer.js' {
  import type { Server } from 'node:http';
  import type TableConfiguration from 'azurite/dist/src/table/TableConfiguration.js';

  const exports: {
    default: new (
      configuration: TableConfiguration,
    ) => {
      start(): Promise<void>;
      close(): Promise<void>;
      readonly httpServer: Server;
      /** LokiJS holds the tables in memory and writes the tables to a file. */
      readonly metadataStore: {
        readonly db: { throttledSaveDrain(drained: (success: boolean) => void): void };
      };
    };
  };
  export default exports;
}

declare module 'azurite/dist/src/table/TableConfiguration.js' {
  class TableConfiguration {
    constructor(
      host: string,
      port: number,
      keepAliveTimeoutSeconds: number,
      databasePath: string,
      enableDebugLog: boolean,
      enableAccessLog: boolean,
      accessLogWriteStream: undefined,
      debugLogFilePath: undefined,
      loose: boolean,
      skipApiVersionCheck: boolean,
    );
  }
  const exports: { default: typeof TableConfiguration };
  export default exports;
}
