import { createRequire } from 'node:module';

// The package has no module of its own: its two scripts define the global `Kusto`.
const require = createRequire(import.meta.url);
require('@kusto/language-service-next/bridge.min.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');

interface List<T> {
  Count: number;
  getItem(index: number): T;
}
interface Column {
  Name: string;
  Type: { Name: string };
}
interface KustoCode {
  GetDiagnostics(): List<{ Severity: string; Message: string }>;
  ResultType: { Columns?: List<Column> } | null;
}
interface TableSymbol {
  WithName(name: string): TableSymbol;
}
/** The part of the package that the tests use. */
interface Kusto {
  Language: {
    KustoCode: { ParseAndAnalyze(query: string, globals: object): KustoCode };
    GlobalState: { Default: { WithDatabase(database: object): object } };
    Symbols: {
      TableSymbol: { From(schema: string): TableSymbol };
      DatabaseSymbol: { ctor: new (name: string, tables: TableSymbol[]) => object };
    };
  };
}
const { Language } = (globalThis as unknown as { Kusto: Kusto }).Kusto;

/** The columns that the queries may use, from https://learn.microsoft.com/azure/azure-monitor/reference/tables, looked up on 2026-11-26. */
const tables = {
  AppRequests:
    'TimeGenerated:datetime, Id:string, Name:string, Url:string, Success:bool, ResultCode:string, DurationMs:real, Properties:dynamic, ItemCount:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string',
  AppDependencies:
    'TimeGenerated:datetime, Id:string, Target:string, DependencyType:string, Name:string, Data:string, Success:bool, ResultCode:string, DurationMs:real, Properties:dynamic, ItemCount:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string',
  AppTraces:
    'TimeGenerated:datetime, Message:string, SeverityLevel:int, Properties:dynamic, ItemCount:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string',
  AppExceptions:
    'TimeGenerated:datetime, ProblemId:string, ExceptionType:string, OuterMessage:string, InnermostMessage:string, Details:dynamic, Properties:dynamic, ItemCount:int, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string',
  AppMetrics:
    'TimeGenerated:datetime, Name:string, ItemCount:int, Sum:real, Min:real, Max:real, Properties:dynamic, OperationName:string, OperationId:string, AppRoleName:string, AppRoleInstance:string',
  AzureDiagnostics:
    'TimeGenerated:datetime, ResourceId:string, Category:string, ResourceGroup:string, ResourceProvider:string, Resource:string, ResourceType:string, OperationName:string, ResultType:string, ResultSignature:string, ResultDescription:string, CallerIPAddress:string, DurationMs:long',
  AppServiceHTTPLogs:
    'TimeGenerated:datetime, CsMethod:string, CsUriStem:string, CsUriQuery:string, CsHost:string, ScStatus:int, TimeTaken:int, UserAgent:string, CIp:string, Result:string',
};

const symbols = Object.entries(tables).map(([name, columns]) =>
  Language.Symbols.TableSymbol.From(`(${columns})`).WithName(name),
);
const globals = Language.GlobalState.Default.WithDatabase(
  new Language.Symbols.DatabaseSymbol.ctor('workspace', symbols),
);

/** The findings of the KQL parser about a query. */
export interface Analysis {
  /** Errors and warnings; empty for a right query. */
  problems: string[];
  /** The columns of the result, as `name:type`. */
  columns: string[];
}

/** Analyses a query as Log Analytics does, with the tables of Application Insights and App Service. */
export function analyse(query: string): Analysis {
  const code = Language.KustoCode.ParseAndAnalyze(query, globals);
  return {
    problems: items(code.GetDiagnostics()).map(({ Severity, Message }) => `${Severity}: ${Message}`),
    columns: items(code.ResultType?.Columns).map(({ Name, Type }) => `${Name}:${Type.Name}`),
  };
}

function items<T>(list: List<T> | undefined): T[] {
  return Array.from({ length: list?.Count ?? 0 }, (_, index) => list!.getItem(index));
}
