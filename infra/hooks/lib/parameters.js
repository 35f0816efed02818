// @ts-check
import { readFile } from 'node:fs/promises';
import { HookProblem } from './report.js';

/** Secrets are never printed, also not in a fault. */
const secret = /KEY|SECRET/;

/**
 * A parameter of the deployment.
 *
 * @typedef {object} Parameter
 * @property {string} variable of the azd environment
 * @property {string} type in Bicep: string, int, bool, or a type of infra/modules/types.bicep
 */

/** @returns {Promise<Parameter[]>} the parameters of infra/main.bicep, with the variables of infra/main.parameters.json */
export async function readParameters() {
  const read = (/** @type {string} */ name) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
  const [main, file] = await Promise.all([read('main.bicep'), read('main.parameters.json')]);
  const types = new Map([...main.matchAll(/^param (\w+) (\w+)/gm)].map(([, name, type]) => [name, type]));
  /** @type {{ parameters: Record<string, { value: string }> }} */
  const { parameters } = JSON.parse(file);
  return Object.entries(parameters).map(([name, { value }]) => ({
    variable: /^\$\{(\w+)/.exec(value)?.[1] ?? '',
    type: types.get(name) ?? '',
  }));
}

/**
 * Checks that azd can hand each value to the deployment. azd takes the default without a word in the place of a number or a truth value
 * that it cannot read, and puts a text unchanged into a JSON string, where quotes, backslashes and line ends break the file of the parameters.
 * https://github.com/Azure/azure-dev, cli/azd/pkg/infra/provisioning/bicep/bicep_provider.go: loadParameters, armParameterFileValue
 *
 * @param {import('./azure.js').Environment} env
 * @param {Parameter[]} parameters
 */
export function checkValues(env, parameters) {
  for (const { variable, type } of parameters) {
    const fault = faultOf(env[variable] ?? '', type);
    if (fault === null) continue;
    const value = secret.test(variable) ? 'Its value' : `The value ${JSON.stringify(env[variable])}`;
    throw new HookProblem(
      `${variable} is wrong. ${value} ${fault}.`,
      `azd env set ${variable} <value>, or azd env set ${variable} "" for the default.`,
    );
  }
}

/**
 * @param {string} value
 * @param {string} type
 */
function faultOf(value, type) {
  if (value === '') return null;
  if (type === 'bool') return /^(true|false)$/.test(value) ? null : 'is neither true nor false';
  if (type === 'int') return /^-?\d+$/.test(value) ? null : 'is no whole number';
  if (type !== 'string') return null;
  if (/["\\]/.test(value)) return 'has a quotation mark or a backslash, which azd cannot hand on';
  return hasControls(value) ? 'has a line end or another control character' : null;
}

/** @param {string} text */
const hasControls = (text) => [...text].some((letter) => letter < ' ' || letter === '\x7f');
