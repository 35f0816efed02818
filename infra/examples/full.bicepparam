// A production deployment with a new hub: webhooks, sweep, operators, alerts by mail, and limits of cost.
using '../main.bicep'

param environmentName = 'full'
param location = 'eastus'
param resourceGroupName = 'provisioning'
param balenaApiKey = 'an example'
param webhooks = true
param fleets = 'my_org/one, my_org/two'
param defaultService = 'main'
param deviceProof = 'required'
param certificateKey = 'rsa-2048'
param certificateDays = 90
param sweepSchedule = '0 */15 * * * *'
param maxAttempts = 5
param moreSettings = {
  UNSERVED_IDENTITY: 'disable'
}
param iotHubTier = 'S2'
param iotHubUnits = 3
param storageRedundancy = 'Standard_ZRS'
param instanceMemoryMB = 4096
param maximumInstances = 100
param alwaysReadyWorkers = 2
param rollingUpdates = true
param opsPrincipalId = '00000000-0000-0000-0000-000000000003'
param opsPrincipalType = 'Group'
param alertEmail = 'operators@example.com'
param queueAgeLimitSeconds = 300
param telemetrySamplingPercentage = 50
param telemetryDailyQuotaGb = 5
