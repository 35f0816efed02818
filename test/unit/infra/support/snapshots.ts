import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../../local/stack/projectFolder.js';

/** A resource as Azure Resource Manager gets it. A value that only Azure knows is an expression in brackets. */
export interface Resource {
  id: string;
  type: string;
  name: string;
  apiVersion: string;
  condition?: string;
  identity?: Record<string, unknown>;
  tags?: Record<string, string>;
  sku?: Record<string, unknown>;
  properties: Record<string, unknown>;
}

/** An example deployment: what infra/main.bicep makes of one file of infra/examples. */
export interface Deployment {
  resources: Resource[];
  outputs: Record<string, string>;
}

/** The names of the example deployments. */
export type Example = 'defaults' | 'full' | 'existingHub' | 'secondDeployment';
export const examples: Example[] = ['defaults', 'full', 'existingHub', 'secondDeployment'];

/** Reads a snapshot that the Bicep compiler made. `npm run check:infra` checks that the snapshot is current. */
async function readSnapshot(name: Example): Promise<Deployment> {
  const text = await readFile(join(projectFolder(), `infra/examples/${name}.snapshot.json`), 'utf8');
  const { predictedResources, outputs } = JSON.parse(text) as {
    predictedResources: Resource[];
    outputs: Record<string, string>;
  };
  return { resources: predictedResources, outputs };
}

const deployments = Object.fromEntries(
  await Promise.all(examples.map(async (name) => [name, await readSnapshot(name)] as const)),
) as Record<Example, Deployment>;

export function deploymentOf(example: Example): Deployment {
  return deployments[example];
}

/** Returns the resources of a type. @param type such as `Microsoft.Web/sites` */
export function resourcesOf(example: Example, type: string): Resource[] {
  return deploymentOf(example).resources.filter((resource) => resource.type === type);
}

/** Returns the only resource of a type. */
export function resourceOf(example: Example, type: string): Resource {
  const [resource, ...others] = resourcesOf(example, type);
  if (!resource || others.length > 0) throw new Error(`${example} has ${others.length + 1} of ${type}`);
  return resource;
}

/** Returns a value inside a resource. @param path such as `properties.siteConfig.appSettings` */
export function valueAt(resource: Resource, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], resource);
}

/** The settings of the functions, by name. */
export function settingsOf(example: Example): Record<string, string> {
  const settings = valueAt(resourceOf(example, 'Microsoft.Web/sites'), 'properties.siteConfig.appSettings');
  return Object.fromEntries(
    (settings as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
  );
}

/** True for a value that only Azure knows. */
export function isExpression(value: string): boolean {
  return /^\[[^[].*\]$/s.test(value);
}
