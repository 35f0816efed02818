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
@description('Whether the vault has the key of a CA.')
param makesCaKey bool
param workspaceId string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var cryptoUser = '12338af0-0e6d-4776-bea7-57ae8d297424'
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

// A key is made once. Later deployments leave the key unchanged. The key never leaves the vault.
resource caKey 'Microsoft.KeyVault/vaults/keys@2026-05-15' = if (makesCaKey) {
  parent: vault
  name: 'device-ca'
  properties: {
    kty: 'EC'
    curveName: 'P-256'
    keyOps: ['sign']
    attributes: { enabled: true, exportable: false }
  }
}

resource functionsCaKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (makesCaKey) {
  name: guid(caKey.id, functionsPrincipalId, cryptoUser)
  scope: caKey
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cryptoUser)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    // infra/hooks/lib/rights.js finds the assignment by this text.
    description: 'balena-azure-iot-provisioner: CA_KEY'
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
// The URL has a version: the certificate of the CA belongs to one version of the key.
output caKey string = makesCaKey ? caKey!.properties.keyUriWithVersion : ''
// A reference without a version means the newest version.
output balenaApiKeyReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${balenaApiKeyName})'
output webhookSecretsReference string = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets/${webhookSecretsName})'
