// The roles of functions and operators on the hub, and the hub's tier and units for the rate limiter. The hub may be new or existing.

param hubName string
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

// Operators only read. Workers make all repairs on the hub.
resource opsRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(hub.id, opsPrincipalId, dataReader)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReader)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
  }
}

output name string = hub.name
output hostName string = hub.properties.hostName
// A basic tier allows as many registry operations as the standard tier of the same number.
output tier string = replace(hub.sku.name, 'B', 'S')
output units int = hub.sku.capacity
