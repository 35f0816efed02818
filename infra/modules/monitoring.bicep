// The destination of logs, traces and metrics, with limits of their cost.

import { Tags } from 'types.bicep'

param token string
param location string
param tags Tags
param samplingPercentage int
param dailyQuotaGb int
param functionsPrincipalId string

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/monitor
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    SamplingPercentage: samplingPercentage
  }
}

// Host and worker send telemetry with this role. The resource also accepts telemetry without the role, until a test in Azure has shown that both
// use it: lost telemetry would silence the alerts.
resource functionsPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, functionsPrincipalId, metricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output workspaceId string = workspace.id
output connectionString string = insights.properties.ConnectionString
