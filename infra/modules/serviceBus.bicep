// The queue with the properties of docs/protocol.md, "Settings". test/unit/infra compares these with the code and the local broker.

import { Tags } from 'types.bicep'

param name string
param location string
param tags Tags
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

// The tier Basic has neither duplicate detection nor scheduled messages.
resource bus 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
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

resource queue 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = {
  parent: bus
  name: queueName
  properties: {
    lockDuration: 'PT${lockSeconds}S'
    maxDeliveryCount: 10
    // This property cannot be changed after the creation of the queue.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT${duplicateWindowSeconds}S'
    // Messages never expire, because an expired message is a lost job. If somebody shortens the time, expired messages are dead-lettered.
    defaultMessageTimeToLive: 'P10675199DT2H48M5.4775807S'
    deadLetteringOnMessageExpiration: true
    // A message has about 300 bytes, and scheduled messages count. The size costs nothing.
    maxSizeInMegabytes: 5120
    requiresSession: false
    enablePartitioning: false
  }
}

// The code needs only the roles to receive and to send, on this queue. The platform scales the worker with the same identity, and needs the
// right Manage to count the messages (main.bicep, readyWorkers). Only Owner has this right. The two lesser roles stay, so that an operator can
// remove Owner.
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
    description: 'balena-azure-iot-provisioner: FUNCTIONS_MANAGE_QUEUE'
  }
}

// Owner includes Send and Listen. The counts of a queue need Manage, and no lesser role has it.
resource opsOwn 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(queue.id, opsPrincipalId, dataOwner)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
    description: 'balena-azure-iot-provisioner: operators'
  }
}

output id string = bus.id
output hostName string = '${bus.name}.servicebus.windows.net'
