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
param caKey = true
param caCertificate = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJjRENDQVJhZ0F3SUJBZ0lSQUxNSEd3RnZlK255c2V1SnZ0TVRiOTB3Q2dZSUtvWkl6ajBFQXdJd0ZURVQKTUJFR0ExVUVBeE1LUlhoaGJYQnNaU0JEUVRBZ0Z3MHlOakV4TWpZeU16VXdNVE5hR0E4eU1USTJNREV3TVRBdwpNREF3TUZvd0ZURVRNQkVHQTFVRUF4TUtSWGhoYlhCc1pTQkRRVEJaTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5CkF3RUhBMElBQkFYR3RaTSs1K1VTQVNETzdqYUM0YnZ0OXhXcEpJK0tpSjgzNnNlUXZPOVJsaW5zRUxrTWRWeDEKTisxRXVENU5xaE12QWZDeUpQNkxKRjhEZTdVZDRIR2pSVEJETUJJR0ExVWRFd0VCL3dRSU1BWUJBZjhDQVFBdwpEZ1lEVlIwUEFRSC9CQVFEQWdFR01CMEdBMVVkRGdRV0JCVGVwT3I1bE9TOWFycDJVcUNTaG9kSzcycDdSekFLCkJnZ3Foa2pPUFFRREFnTklBREJGQWlCZ014VnEzNnJ5VjlEZjVtSzlDRW4zdVgxb1ptWjZnOFN6UHNOTkxUZG4KZFFJaEFLbFVaQzRrcnhnQ3RLNWpmbFluWGNmRnJ2ZUwwcTBaUFF5bU9iVEFNUEsxCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K'
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
