// The hub exists in another resource group, and has a tier that the functions do not know. The secrets are in the vault already, which
// comes back from its deletion. The functions may not manage the queue, and no worker is requested to be always ready. The renewal is off.
using '../main.bicep'

param environmentName = 'existing-hub'
param location = 'westeurope'
param webhooks = true
param sweepSchedule = '0 */15 * * * *'
param moreSettings = {
  RENEW_SCHEDULE: 'off'
}
param existingIotHubName = 'our-hub'
param existingIotHubResourceGroup = 'our-group'
param iotHubOperationsPerMinute = 600
param keyVaultRecover = true
param keyVaultPurgeProtection = false
param alwaysReadyWorkers = 0
param functionsManageQueue = false
