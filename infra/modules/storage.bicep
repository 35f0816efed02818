// The storage of the Functions host (leases and keys), of the deployed package, and of the records. The functions create the tables themselves.

import { Tags } from 'types.bicep'

param name string
param location string
param tags Tags
param redundancy string
param functionsPrincipalId string
param opsPrincipalId string
param opsPrincipalType string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var packageContainer = 'app-package'
// The Functions host keeps its leases and its keys in these containers.
// https://github.com/Azure/azure-functions-host, ScriptConstants.cs and BlobStorageSecretsRepository.cs
var hostContainers = ['azure-webjobs-hosts', 'azure-webjobs-secrets']
var containerNames = concat([packageContainer], hostContainers)

resource account 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = [
  for containerName in containerNames: {
    parent: blobs
    name: containerName
  }
]

// The host needs only blobs in these containers, because no function has a trigger of blobs or storage queues. The role is Owner, because the
// host also takes leases and creates its containers if they are missing. The platform stores the deployed package with the same identity.
resource functionsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (containerName, index) in containerNames: {
    name: guid(containers[index].id, functionsPrincipalId, blobDataOwner)
    scope: containers[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
      principalId: functionsPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource functionsTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, functionsPrincipalId, tableDataContributor)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableDataContributor)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource opsTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(account.id, opsPrincipalId, tableDataContributor)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableDataContributor)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
    description: 'balena-azure-iot-provisioner: operators'
  }
}

output name string = account.name
output deploymentContainerUrl string = '${account.properties.primaryEndpoints.blob}${packageContainer}'
