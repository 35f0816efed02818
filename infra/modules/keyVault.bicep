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
@description('Whether the deleted vault of this name comes back, with its secrets.')
param recovers bool
param purgeProtection bool
param workspaceId string

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
    // Azure rejects `false`.
    enablePurgeProtection: purgeProtection ? true : null
    // The name of the vault is the same after `azd down`, and a deleted vault keeps its name for 90 days.
    createMode: recovers ? 'recover' : 'default'
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

// Who read, changed and deleted secrets: SECURITY.md, "When one leaks".
// The stable version (2016-09-01) allows only one diagnostic setting, with a fixed name.
#disable-next-line use-recent-api-versions
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'secrets'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}

output name string = vault.name
// A reference without a version means the newest version.
output balenaApiKeyReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${balenaApiKeyName})'
output webhookSecretsReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${webhookSecretsName})'
