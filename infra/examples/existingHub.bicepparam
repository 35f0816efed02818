// A later deployment: the hub exists in another resource group, and the secrets are in the vault already. The functions may not
// manage the queue. The renewal is off.
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
param functionsManageQueue = false
