// The secrets of other systems. Settings refer to these secrets. App Service reads the secrets at the start of the functions, and once a day.

import { Tags } from 'types.bicep'

param name string
param location string
param tags Tags
@secure()
param balenaApiKey string
@secure()
param webhookSecrets string
param functionsPrincipalId string
param opsPrincipalId string
param opsPrincipalType string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var balenaApiKeyName = 'BALENA-API-KEY'
var webhookSecretsName = 'WEBHOOK-SECRETS'

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
  }
}

resource balenaApiKeySecret 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(balenaApiKey)) {
  parent: vault
  name: balenaApiKeyName
  properties: { value: balenaApiKey }
}

resource webhookSecretsSecret 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(webhookSecrets)) {
  parent: vault
  name: webhookSecretsName
  properties: { value: webhookSecrets }
}

resource functionsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, functionsPrincipalId, secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource opsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(opsPrincipalId)) {
  name: guid(vault.id, opsPrincipalId, secretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    principalId: opsPrincipalId
    principalType: opsPrincipalType
  }
}

output name string = vault.name
// A reference without a version means the newest version.
output balenaApiKeyReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${balenaApiKeyName})'
output webhookSecretsReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${webhookSecretsName})'
