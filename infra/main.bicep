targetScope = 'subscription'

// What `azd up` makes. Each parameter is filled from the azd environment by main.parameters.json: `azd env set NAME value`.

@description('Name of the azd environment: part of the resource group\'s name, and of the token in all other names.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything but an existing hub. One that has Flex Consumption: az functionapp list-flexconsumption-locations')
@minLength(1)
param location string

@description('Name of the resource group. Empty: rg-<environment>')
param resourceGroupName string = ''

@description('API key of balena that sees the fleets and may write their variables. Stored in Key Vault. Empty: the secret stays as it is there, so that a later deployment cannot put an old key back.')
@secure()
param balenaApiKey string = ''

@description('Whether POST /api/webhook is there, with the secrets that are in Key Vault. Given webhookSecrets, it is there as well.')
param webhooks bool = false

@description('Secrets of webhooks, comma-separated, any of them is valid. Stored in Key Vault. Empty: the secret stays as it is there, and is used if webhooks is true.')
@secure()
param webhookSecrets string = ''

@description('Slugs of the fleets that may be provisioned, comma-separated. Empty: all that the API key sees.')
param fleets string = ''

@description('Service whose variables are written when a request names none. Empty: the device itself.')
param defaultService string = ''

@description('Proof of device, see README.md.')
@allowed(['off', 'accepted', 'required'])
param deviceProof string = 'off'

@description('Key of a certificate: rsa-2048 only for clients that cannot do with the other.')
@allowed(['ec-p256', 'rsa-2048'])
param certificateKey string = 'ec-p256'

@description('How long a certificate is valid, in days.')
@minValue(1)
@maxValue(3650)
param certificateDays int = 365

@description('When the fleets are searched for devices without credentials: off, or six fields that begin with the seconds. Needs fleets.')
param sweepSchedule string = 'off'

@description('Other settings of README.md, by name. They win over those that are set here.')
param moreSettings object = {}

@description('Name of an IoT Hub that exists already: also of the one that the first deployment has made. Empty: one is made.')
param existingIotHubName string = ''

@description('Resource group of that hub. Empty: the one of this deployment.')
param existingIotHubResourceGroup string = ''

@description('Tier of a hub that is made. F1: one free hub for each subscription, 500 devices.')
@allowed(['F1', 'S1', 'S2', 'S3'])
param iotHubTier string = 'S1'

@description('Units of a hub that is made: each registers 100 devices a minute, 5,000 with S3. Sets the pace.')
@minValue(1)
@maxValue(200)
param iotHubUnits int = 1

@description('Redundancy of the storage account, in which the records are.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageRedundancy string = 'Standard_LRS'

@description('Memory of an instance, in MB. Measured: 380 MB with 10,000 requests under way, and the Functions host beside it.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances that run at once: a limit of cost. The pace does not depend on it. Regions with an older platform take no less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Workers that are always there, at the cost of one instance all day; 0: the first message waits for a start. At least one without functionsManageQueue.')
@minValue(0)
@maxValue(10)
param alwaysReadyWorkers int = 0

@description('Whether the functions may count the queue\'s messages, which takes the right Manage (Azure Service Bus Data Owner, on this queue only). The platform scales the worker by that count. Without it one worker is always ready, and the page counts the records instead.')
param functionsManageQueue bool = true

@description('Object id of the person, group or service principal that is ops. Empty: none gets rights.')
param opsPrincipalId string = ''

@description('What that is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param opsPrincipalType string = 'User'

@description('Where alerts are sent. Empty: they are shown in the portal only.')
param alertEmail string = ''

@description('Oldest due message, in seconds, from which on an alert is raised. A backlog that waits for its turn is not due.')
@minValue(60)
param queueAgeLimitSeconds int = 900

@description('Part of the traces that is kept, in percent. Metrics and alerts do not depend on it.')
@minValue(1)
@maxValue(100)
param telemetrySamplingPercentage int = 100

@description('Most telemetry a day, in GB, after which it is dropped until the next: a limit of cost. -1: none.')
param telemetryDailyQuotaGb int = -1

// The protocol's settings: the queue and the functions must agree on them (docs/protocol.md, "Settings").
var workLimitSeconds = 60
var leaseGraceSeconds = 60
var duplicateWindowSeconds = 600
var queueName = 'provisioning'

// Two environments may have the same name in different regions.
var token = toLower(uniqueString(subscription().id, environmentName, location))
// Daily is the default of the code (src/config/settings.ts).
var renews = union({ RENEW_SCHEDULE: '' }, moreSettings).RENEW_SCHEDULE != 'off'
var tags = { 'azd-env-name': environmentName }
var groupName = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
var makesHub = empty(existingIotHubName)
// Without the right to count them, the platform looks at ten messages from the head of the queue, and adds a worker if one of those is active.
// Here they are scheduled: those that are due stand behind them, unseen, and a worker that was scaled to zero would stay there.
// https://github.com/Azure/azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.ServiceBus/src/Listeners/ServiceBusMetricsProvider.cs
var readyWorkers = functionsManageQueue ? alwaysReadyWorkers : max(alwaysReadyWorkers, 1)
var hubGroupName = empty(existingIotHubResourceGroup) ? groupName : existingIotHubResourceGroup

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
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
    // A worker's lease never outlives its lock, so that no renewal is relied on.
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
    name: 'iot-${token}'
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
    // Both names are known beforehand; the order is not.
    hubName: makesHub ? newHub!.outputs.name : existingIotHubName
    functionsPrincipalId: identity.outputs.principalId
    opsPrincipalId: opsPrincipalId
    opsPrincipalType: opsPrincipalType
  }
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
    functionsPrincipalId: identity.outputs.principalId
    opsPrincipalId: opsPrincipalId
    opsPrincipalType: opsPrincipalType
  }
}

// One alone would go wrong: secrets that nothing reads, or a reference to none. Once the secrets are in the vault, `webhooks` says it.
var hasWebhooks = webhooks || !empty(webhookSecrets)
var webhookSettings = hasWebhooks ? { WEBHOOK_SECRETS: keyVault.outputs.webhookSecretsReference } : {}

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
    // An empty setting counts as one that is not there (src/config.ts).
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
        SERVICEBUS_CONNECTION__fullyQualifiedNamespace: serviceBus.outputs.hostName
        SERVICEBUS_CONNECTION__credential: 'managedidentity'
        SERVICEBUS_CONNECTION__clientId: identity.outputs.clientId
        PROVISIONING_QUEUE: queueName
        FLEETS: fleets
        DEFAULT_SERVICE: defaultService
        DEVICE_PROOF: deviceProof
        CERT_KEY: certificateKey
        CERT_DAYS: string(certificateDays)
        // A sweep without fleets would stop the start.
        SWEEP_SCHEDULE: empty(fleets) ? 'off' : sweepSchedule
        WORK_LIMIT_SECONDS: string(workLimitSeconds)
        LEASE_GRACE_SECONDS: string(leaseGraceSeconds)
        DUPLICATE_WINDOW_SECONDS: string(duplicateWindowSeconds)
      },
      webhookSettings,
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

@description('The vault with BALENA-API-KEY and WEBHOOK-SECRETS.')
output AZURE_KEY_VAULT string = keyVault.outputs.name

@description('For the fleet\'s variable PROVISION_URL, with the key that PROVISION_KEY_COMMAND prints in the place of KEY. The key is no output: outputs are kept in the deployment\'s history.')
output PROVISION_URL string = 'https://${functions.outputs.hostName}/api/provision?code=KEY'

@description('Prints the key of the function "provision", once the code has been deployed.')
output PROVISION_KEY_COMMAND string = 'az functionapp function keys list --resource-group ${group.name} --name ${functions.outputs.name} --function-name provision --query default --output tsv'

@description('The page for ops. It asks for its key.')
output OPS_URL string = 'https://${functions.outputs.hostName}/api/ops'

@description('What the command line (npx provisioner) needs to work with this environment, beside BALENA_API_KEY.')
output SERVICEBUS_CONNECTION__fullyQualifiedNamespace string = serviceBus.outputs.hostName

@description('As above.')
output RECORDS_CONNECTION__accountName string = storage.outputs.name

@description('As above.')
output IOTHUB_HOST_NAME string = hub.outputs.hostName
