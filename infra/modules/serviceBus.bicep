// The queue as the protocol needs it (docs/protocol.md, "Settings"). test/infra checks it against the code and the local broker.

param name string
param location string
param tags object
param queueName string
param lockSeconds int
param duplicateWindowSeconds int
param functionsPrincipalId string
param functionsManageQueue bool
param opsPrincipalId string
param opsPrincipalType string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration
var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var dataOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'

// Basic has neither duplicate detection nor scheduled messages.
resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: bus
  name: queueName
  properties: {
    lockDuration: 'PT${lockSeconds}S'
    maxDeliveryCount: 10
    // Can only be chosen when the queue is made.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT${duplicateWindowSeconds}S'
    // Never: a message that expires is work that is lost. Should someone shorten it, nothing is dropped without a word.
    defaultMessageTimeToLive: 'P10675199DT2H48M5.4775807S'
    deadLetteringOnMessageExpiration: true
    // A message is some 300 bytes; scheduled ones count. Costs nothing.
    maxSizeInMegabytes: 5120
    requiresSession: false
    enablePartitioning: false
  }
}

// Receive and send, on this queue, is all that the code needs. The platform, which scales the worker with the same identity, needs the right to
// Manage as well, to count the messages (main.bicep, readyWorkers); only Owner has it. These two stay, for whoever takes Owner away.
resource functionsReceive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, functionsPrincipalId, dataReceiver)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource functionsSend 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, functionsPrincipalId, dataSender)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource functionsOwn 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (functionsManageQueue) {
  name: guid(queue.id, functionsPrincipalId, dataOwner)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Owner has Send and Listen as well; the counts of a queue need Manage, which no lesser role has.
resource opsOwn 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(queue.id, opsPrincipalId, dataOwner)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
  }
}

output id string = bus.id
output hostName string = '${bus.name}.servicebus.windows.net'
