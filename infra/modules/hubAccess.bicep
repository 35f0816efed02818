// The roles of functions and operators on the hub, and the hub's tier and units for the rate limiter. The hub may be new or existing. A hub
// that an operator has named gets nothing else. A hub that a deployment of this environment created also gets a lock and an audit log.

param hubName string
@description('Whether a deployment of this environment created the hub.')
param ownsHub bool
param locks bool
param workspaceId string
param functionsPrincipalId string
param opsPrincipalId string
param opsPrincipalType string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/internet-of-things
var registryContributor = '4ea46cd5-c1b2-4a8e-910b-273211f9ce47'
var dataReader = 'b447c946-2db7-41ec-983d-d8bf3b1c77e3'

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' existing = {
  name: hubName
}

resource functionsRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, functionsPrincipalId, registryContributor)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', registryContributor)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// `azd down` deletes whole resource groups. The lock makes Azure reject the deletion before the first resource is gone.
resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (ownsHub && locks) {
  name: 'keep-devices'
  scope: hub
  properties: {
    level: 'CanNotDelete'
    notes: 'The hub has the identities of all devices. docs/azure.md has the steps to delete the hub.'
  }
}

// Who created, changed and deleted identities: SECURITY.md, "When one leaks".
// The stable version (2016-09-01) allows only one diagnostic setting, with a fixed name.
#disable-next-line use-recent-api-versions
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (ownsHub) {
  name: 'identities'
  scope: hub
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'DeviceIdentityOperations', enabled: true }]
  }
}

// Operators only read. Workers make all repairs on the hub.
resource opsRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(hub.id, opsPrincipalId, dataReader)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReader)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
    description: 'balena-azure-iot-provisioner: operators'
  }
}

output name string = hub.name
output hostName string = hub.properties.hostName
output tier string = hub.sku.name
output units int = hub.sku.capacity
