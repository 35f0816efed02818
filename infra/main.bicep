targetScope = 'subscription'

import { Settings } from 'modules/types.bicep'

// The resources that `azd up` creates. main.parameters.json fills each parameter from the azd environment: `azd env set NAME value`.

@description('Name of the azd environment: part of the resource group\'s name, and of the token in all other names.')
@minLength(1)
@maxLength(64)
param environmentName string

// A resource group cannot change its region, so a region without Flex Consumption is rejected before anything is created. The list is from
// Microsoft's own azd templates (2026). `az functionapp list-flexconsumption-locations` prints the current list: add a missing region here.
@description('Region of all resources except an existing hub: a region with Flex Consumption.')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'eastus2euap'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location' } })
param location string

@description('Name of the resource group. Empty: rg- and the name of the environment.')
param resourceGroupName string = ''

@description('A new balena API key, which sees the fleets and may write their variables. Stored in Key Vault. Empty: the secret in Key Vault stays. The hook postprovision empties the value, so that no later deployment restores an old key.')
@secure()
param balenaApiKey string = ''

@description('Enables POST /api/webhook, with the secrets in Key Vault. A value of NEW_WEBHOOK_SECRETS enables it, too.')
param webhooks bool = false

@description('New secrets of webhooks, comma-separated. Each of them is valid. Stored in Key Vault. Empty: the secret in Key Vault stays, and is used if WEBHOOKS is true. The hook postprovision sets WEBHOOKS and empties the value.')
@secure()
param webhookSecrets string = ''

@description('Slugs of the fleets that may be provisioned, comma-separated. Empty: all fleets that the API key sees.')
param fleets string = ''

@description('Service that gets the variables if a request names no service. Empty: the device level.')
param defaultService string = ''

@description('Proof of device, see docs/proof.md.')
@allowed(['off', 'accepted', 'required'])
param deviceProof string = 'off'

@description('Key type of the certificates: rsa-2048 only for clients without support for ec-p256.')
@allowed(['ec-p256', 'rsa-2048'])
param certificateKey string = 'ec-p256'

@description('Validity of a certificate, in days.')
@minValue(1)
@maxValue(3650)
param certificateDays int = 365

@description('Whether Key Vault gets the key of a CA, for devices with certificate requests (docs/own-keys.md).')
param caKey bool = false

@description('Certificate of the CA, base64 of the PEM. Empty: no certificate requests are accepted.')
param caCertificate string = ''

@description('Schedule of the sweep, which finds devices without credentials: off, or six fields that begin with the seconds. Needs fleets.')
param sweepSchedule string = 'off'

@description('Failed runs of a device, after which its request fails for good.')
@minValue(1)
@maxValue(100)
param maxAttempts int = 10

@description('Other settings of docs/settings.md, as a JSON object of texts. They replace the settings of the template.')
param moreSettings Settings = {}

@description('Name of an existing IoT Hub. Empty: the first deployment creates a hub.')
param existingIotHubName string = ''

@description('Resource group of the existing hub. Empty: the resource group of this deployment.')
param existingIotHubResourceGroup string = ''

@description('Name of the hub that an earlier deployment of this environment created. The output CREATED_IOT_HUB sets the value. Later deployments leave this hub unchanged.')
param createdIotHubName string = ''

@description('Whether a hub that is created here gets a lock against deletion. The lock stops `azd down`, because a hub has the identities of all devices (docs/azure.md).')
param iotHubLock bool = true

@description('Tier of the created hub. F1: one free hub for each subscription, 500 devices.')
@allowed(['F1', 'S1', 'S2', 'S3'])
param iotHubTier string = 'S1'

@description('Units of the created hub: each unit registers 100 devices a minute, 5,000 with S3. The rate limiter uses this number.')
@minValue(1)
@maxValue(200)
param iotHubUnits int = 1

@description('Registry operations a minute that the hub allows: for a tier that the functions do not know, such as GEN2. 0: the functions compute the number from tier and units.')
@minValue(0)
@maxValue(1000000)
param iotHubOperationsPerMinute int = 0

@description('Whether the deployment recovers the deleted Key Vault of an earlier deployment. The hook preprovision sets the value.')
param keyVaultRecover bool = false

@description('Whether a deleted Key Vault cannot be purged for 90 days. This protection cannot be removed from a vault. false is for trials only.')
param keyVaultPurgeProtection bool = true

@description('Redundancy of the storage account, which holds the records.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageRedundancy string = 'Standard_LRS'

@description('Memory of an instance, in MB. Measured: 380 MB with 10,000 pending requests, without the Functions host of Azure.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Greatest number of instances at the same time: a limit of cost. The rate limit does not depend on it. Regions with an older platform accept no less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Workers that always run, each at the cost of one instance all day. 0: the first message waits for the start of a worker, which takes up to two minutes. At least one runs without FUNCTIONS_MANAGE_QUEUE.')
@minValue(0)
@maxValue(10)
param alwaysReadyWorkers int = 1

@description('Whether an update lets running executions end before it replaces an instance, so two versions run side by side for some minutes. A preview, which Microsoft does not recommend for production. false: an update ends running executions.')
param rollingUpdates bool = false

@description('Whether the functions may count the messages of the queue. The count needs Azure Service Bus Data Owner on this queue. The platform scales the worker by the count. Without the right one worker is always ready, and the page counts the records.')
param functionsManageQueue bool = true

@description('Object id of the operators: a user, a group or a service principal. Empty: no operator gets rights.')
param opsPrincipalId string = ''

@description('Type of OPS_PRINCIPAL_ID.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param opsPrincipalType string = 'User'

@description('Address for alerts. Empty: only the portal shows alerts.')
param alertEmail string = ''

@description('Age of the oldest due message, in seconds, above which an alert is raised. A backlog that waits for its reservations is not due.')
@minValue(60)
param queueAgeLimitSeconds int = 900

@description('Share of the traces that is kept, in percent. Metrics do not depend on it, and neither do alerts.')
@minValue(1)
@maxValue(100)
param telemetrySamplingPercentage int = 100

@description('Greatest amount of telemetry a day, in GB. Further telemetry of the day is dropped: a limit of cost. -1: no limit.')
param telemetryDailyQuotaGb int = -1

// The protocol's settings. Queue and functions must have the same values (docs/protocol.md, "Settings").
var workLimitSeconds = 60
var leaseGraceSeconds = 60
var duplicateWindowSeconds = 600
var queueName = 'provisioning'

// Two environments in different regions may have the same name.
var token = toLower(uniqueString(subscription().id, environmentName, location))
// The default of the code is a daily renewal (src/config/settings.ts).
var renews = union({ RENEW_SCHEDULE: '' }, moreSettings).RENEW_SCHEDULE != 'off'
var tags = { 'azd-env-name': environmentName }
var groupName = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
var ownsHub = empty(existingIotHubName)
// A second PUT of the hub would revert later changes (units, routes, network), so only the first deployment makes the hub.
var makesHub = ownsHub && empty(createdIotHubName)
// Without the right to count the messages, the platform looks at the first ten messages of the queue, and adds a worker if one of the ten is
// active. In this queue the first messages are scheduled, and the due messages stand behind them. The platform would not see the due
// messages, and would never start a worker again after a scale to zero.
// https://github.com/Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.ServiceBus/src/Listeners/ServiceBusMetricsProvider.cs
var readyWorkers = functionsManageQueue ? alwaysReadyWorkers : max(alwaysReadyWorkers, 1)
var ownHubName = makesHub ? 'iot-${token}' : createdIotHubName
var hubGroupName = ownsHub || empty(existingIotHubResourceGroup) ? groupName : existingIotHubResourceGroup

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    samplingPercentage: telemetrySamplingPercentage
    dailyQuotaGb: telemetryDailyQuotaGb
    functionsPrincipalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    redundancy: storageRedundancy
    functionsPrincipalId: identity.outputs.principalId
    opsPrincipalId: opsPrincipalId
    opsPrincipalType: opsPrincipalType
  }
}

module serviceBus 'modules/serviceBus.bicep' = {
  name: 'serviceBus'
  scope: group
  params: {
    name: 'sb-${token}'
    location: location
    tags: tags
    queueName: queueName
    // The lock lasts as long as a worker's lease, so the protocol relies on no lock renewal.
    lockSeconds: workLimitSeconds + leaseGraceSeconds
    duplicateWindowSeconds: duplicateWindowSeconds
    functionsPrincipalId: identity.outputs.principalId
    functionsManageQueue: functionsManageQueue
    opsPrincipalId: opsPrincipalId
    opsPrincipalType: opsPrincipalType
  }
}

module newHub 'modules/iotHub.bicep' = if (makesHub) {
  name: 'newHub'
  scope: group
  params: {
    name: ownHubName
    location: location
    tags: tags
    tier: iotHubTier
    units: iotHubUnits
  }
}

module hub 'modules/hubAccess.bicep' = {
  name: 'hubAccess'
  scope: resourceGroup(hubGroupName)
  params: {
    hubName: ownsHub ? ownHubName : existingIotHubName
    ownsHub: ownsHub
    locks: iotHubLock
    workspaceId: monitoring.outputs.workspaceId
    functionsPrincipalId: identity.outputs.principalId
    opsPrincipalId: opsPrincipalId
    opsPrincipalType: opsPrincipalType
  }
  dependsOn: [newHub]
}

module keyVault 'modules/keyVault.bicep' = {
  name: 'keyVault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    balenaApiKey: balenaApiKey
    webhookSecrets: webhookSecrets
    recovers: keyVaultRecover
    purgeProtection: keyVaultPurgeProtection
    makesCaKey: caKey
    workspaceId: monitoring.outputs.workspaceId
    functionsPrincipalId: identity.outputs.principalId
  }
}

// Either parameter enables webhooks. `webhookSecrets` alone would otherwise store secrets that nothing reads. Once the secrets are in the vault,
// `webhooks` enables webhooks without a copy of the secrets in the azd environment.
var hasWebhooks = webhooks || !empty(webhookSecrets)
var webhookSettings = hasWebhooks ? { WEBHOOK_SECRETS: keyVault.outputs.webhookSecretsReference } : {}

// The key comes first, and then a certificate that is signed with the key.
var hasCa = caKey && !empty(caCertificate)
var caSettings = hasCa ? { CA_CERTIFICATE: caCertificate, CA_KEY_VAULT_KEY: keyVault.outputs.caKey } : {}

module functions 'modules/functions.bicep' = {
  name: 'functions'
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyWorkers: readyWorkers
    rollingUpdates: rollingUpdates
    // The functions treat an empty setting as missing (src/config/config.ts).
    settings: union(
      {
        AZURE_CLIENT_ID: identity.outputs.clientId
        AzureWebJobsStorage__accountName: storage.outputs.name
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identity.outputs.clientId
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identity.outputs.clientId}'
        BALENA_API_KEY: keyVault.outputs.balenaApiKeyReference
        IOTHUB_HOST_NAME: hub.outputs.hostName
        IOTHUB_TIER: hub.outputs.tier
        IOTHUB_UNITS: string(hub.outputs.units)
        IOTHUB_OPERATIONS_PER_MINUTE: iotHubOperationsPerMinute == 0 ? '' : string(iotHubOperationsPerMinute)
        SERVICEBUS_CONNECTION__fullyQualifiedNamespace: serviceBus.outputs.hostName
        SERVICEBUS_CONNECTION__credential: 'managedidentity'
        SERVICEBUS_CONNECTION__clientId: identity.outputs.clientId
        PROVISIONING_QUEUE: queueName
        FLEETS: fleets
        DEFAULT_SERVICE: defaultService
        DEVICE_PROOF: deviceProof
        CERT_KEY: certificateKey
        CERT_DAYS: string(certificateDays)
        MAX_ATTEMPTS: string(maxAttempts)
        // A sweep schedule without fleets would stop the start of the functions.
        SWEEP_SCHEDULE: empty(fleets) ? 'off' : sweepSchedule
        WORK_LIMIT_SECONDS: string(workLimitSeconds)
        LEASE_GRACE_SECONDS: string(leaseGraceSeconds)
        DUPLICATE_WINDOW_SECONDS: string(duplicateWindowSeconds)
        // The functions read at most 16 KiB. The platform refuses a body above 64 KiB before a function gets the body; the default is 100 MB.
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '65536'
      },
      webhookSettings,
      caSettings,
      moreSettings
    )
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    queueName: queueName
    queueAgeLimitSeconds: queueAgeLimitSeconds
    email: alertEmail
    renews: renews
  }
}

@description('The resource group, for the commands of docs/runbook.md.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The function app.')
output AZURE_FUNCTION_APP string = functions.outputs.name

@description('The hub that devices connect to.')
output AZURE_IOT_HUB string = hub.outputs.name

@description('The hub that a deployment of this environment created; empty with an existing hub. A parameter of the next deployment.')
output CREATED_IOT_HUB string = ownsHub ? ownHubName : createdIotHubName

@description('The vault with BALENA-API-KEY and WEBHOOK-SECRETS.')
output AZURE_KEY_VAULT string = keyVault.outputs.name

@description('The key of the CA, for `provisioner ca certificate`. Empty without a CA.')
output CA_KEY_VAULT_KEY string = keyVault.outputs.caKey

@description('For the fleet\'s variable PROVISION_URL. Replace KEY by the key that PROVISION_KEY_COMMAND prints. The key is not an output, because the history of the deployment keeps outputs.')
output PROVISION_URL string = 'https://${functions.outputs.hostName}/api/provision?code=KEY'

@description('Prints the key of the function "provision", once the code has been deployed.')
output PROVISION_KEY_COMMAND string = 'az functionapp function keys list --resource-group ${group.name} --name ${functions.outputs.name} --function-name provision --query default --output tsv'

@description('The operators\' page. The page requests its key.')
output OPS_URL string = 'https://${functions.outputs.hostName}/api/ops'

@description('A setting of the CLI (npx provisioner) for this environment. The CLI also needs BALENA_API_KEY.')
output SERVICEBUS_CONNECTION__fullyQualifiedNamespace string = serviceBus.outputs.hostName

@description('A setting of the CLI, as above.')
output RECORDS_CONNECTION__accountName string = storage.outputs.name

@description('A setting of the CLI, as above.')
output IOTHUB_HOST_NAME string = hub.outputs.hostName

@description('The tier that the hub really has. A setting of the CLI, as above.')
output IOTHUB_TIER string = hub.outputs.tier

@description('The units that the hub really has. A setting of the CLI, as above.')
output IOTHUB_UNITS string = string(hub.outputs.units)
