// @ts-check
import { ArmError, arm, groupId } from './azure.js';
import { done, warn } from './report.js';

const version = 'api-version=2022-04-01';
/** The templates mark each role assignment that depends on a parameter with a description. */
const marks = {
  operators: 'balena-azure-iot-provisioner: operators',
  manageQueue: 'balena-azure-iot-provisioner: FUNCTIONS_MANAGE_QUEUE',
  caKey: 'balena-azure-iot-provisioner: CA_KEY',
};

/**
 * Takes the rights that a parameter gave and gives no more: a deployment adds role assignments, and never removes one. Only assignments of
 * this environment's resources with a mark of the templates are removed.
 *
 * @param {import('./azure.js').Environment} env
 */
export async function takeRights(env) {
  const hubGroup = (env.EXISTING_IOT_HUB && env.EXISTING_IOT_HUB_RESOURCE_GROUP) || null;
  const scopes = [
    groupId(env),
    ...(hubGroup
      ? [`${groupId(env, hubGroup)}/providers/Microsoft.Devices/IotHubs/${env.EXISTING_IOT_HUB}`]
      : []),
  ];
  for (const scope of scopes) {
    try {
      const { value } = await arm(
        'get',
        `${scope}/providers/Microsoft.Authorization/roleAssignments?${version}`,
      );
      for (const assignment of value) if (isTaken(env, scope, assignment)) await take(assignment);
    } catch (error) {
      if (!(error instanceof ArmError)) throw error;
      warn(`Former rights are not removed, because role assignments cannot be read: ${error.message}`);
    }
  }
}

/**
 * @typedef {{ id: string, properties: { principalId: string, scope: string, description?: string } }} Assignment
 */

/**
 * @param {import('./azure.js').Environment} env
 * @param {string} scope the list also has the assignments above the scope
 * @param {Assignment} assignment
 */
function isTaken(env, scope, { properties: { principalId, scope: at, description } }) {
  if (!at.toLowerCase().startsWith(`${scope}/`.toLowerCase()) && at.toLowerCase() !== scope.toLowerCase())
    return false;
  if (description === marks.operators) return principalId !== env.OPS_PRINCIPAL_ID;
  if (description === marks.caKey) return env.CA_KEY !== 'true';
  return description === marks.manageQueue && env.FUNCTIONS_MANAGE_QUEUE === 'false';
}

/** @param {Assignment} assignment */
async function take({ id, properties: { principalId, scope, description } }) {
  const what = `${principalId} on ${scope.split('/providers/').at(-1)}`;
  try {
    await arm('delete', `${id}?${version}`);
    done(`A former right is removed (${description?.split(': ')[1]}): ${what}`);
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    warn(
      `A former right stays (${error.message}): ${what}\n` +
        `  To do: a lock on the hub rejects this, too. Remove the lock (docs/azure.md), then az role assignment delete --ids ${id}, then azd provision --no-state.`,
    );
  }
}
