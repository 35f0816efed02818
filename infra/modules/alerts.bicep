// The alerts. docs/runbook.md has the meaning of each alert and the steps of the operator. src/telemetry sends the metrics.

import { Tags } from 'types.bicep'

param token string
param location string
param tags Tags
param workspaceId string
param serviceBusId string
param queueName string
param queueAgeLimitSeconds int
param email string
@description('Whether the renewal timer runs. Without it, nothing counts the certificates.')
param renews bool

var actionGroups = empty(email) ? [] : [mailTo.id]

// Certificates are counted by their remaining days. RENEW_AT is long before these days, so a certificate in these groups was not renewed in time.
var nearExpiry = ['expired', '7', '30']

var rules = [
  {
    name: 'requests-failing'
    text: 'HTTP requests end in 5xx: devices have to repeat their requests.'
    // Without /api/health: the health check answers 503 while a dependency is unavailable, and a monitor requests it all the time.
    severity: 2
    query: 'AppRequests | where toint(ResultCode) >= 500 | where not(Name endswith "health" or Url contains "/api/health") | project TimeGenerated, Function = Name, Value = ItemCount'
    dimension: 'Function'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 10
    frequency: 'PT5M'
    window: 'PT5M'
    periods: 3
    failing: 2
    enabled: true
  }
  {
    name: 'work-failing'
    text: 'Requests have failed for good and are dead-lettered.'
    severity: 2
    query: 'AppMetrics | where Name == "provisioner.failed" | project TimeGenerated, Code = tostring(Properties.code), Value = Sum'
    dimension: 'Code'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 10
    frequency: 'PT5M'
    window: 'PT15M'
    periods: 1
    failing: 1
    enabled: true
  }
  {
    name: 'queue-age'
    text: 'The oldest due message waits too long: the workers are too slow, or do not run.'
    severity: 2
    query: 'AppMetrics | where Name == "provisioner.queue.oldest_age" | project TimeGenerated, Value = Sum / ItemCount'
    dimension: ''
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: queueAgeLimitSeconds
    frequency: 'PT5M'
    window: 'PT10M'
    periods: 3
    failing: 3
    enabled: true
  }
  {
    name: 'credentials-refused'
    text: 'balena or the hub refuses our credentials: all work waits.'
    severity: 1
    query: 'AppMetrics | where Name == "provisioner.credentials_refused" | project TimeGenerated, Dependency = tostring(Properties.dependency), Value = Sum'
    dimension: 'Dependency'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT5M'
    window: 'PT5M'
    periods: 1
    failing: 1
    enabled: true
  }
  {
    name: 'certificates-near-expiry'
    text: 'Certificates were not renewed in time and are about to expire: their devices will be cut off.'
    severity: 1
    query: 'AppMetrics | where Name == "provisioner.certificates" | extend DaysLeft = tostring(Properties.days_left) | where DaysLeft in (${nearExpiryList}) | project TimeGenerated, DaysLeft, Value = Sum / ItemCount'
    dimension: 'DaysLeft'
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT1H'
    window: 'P2D'
    periods: 1
    failing: 1
    enabled: true
  }
  {
    name: 'renewal-silent'
    text: 'Nothing has counted the certificates for two days: is the function renew running?'
    severity: 2
    // One row if the certificates were counted, or if the functions are younger than two days. No row otherwise, also without any telemetry.
    query: 'AppMetrics | where Name startswith "provisioner." | summarize Counted = countif(Name == "provisioner.certificates"), First = min(TimeGenerated) | where Counted > 0 or First > ago(47h)'
    dimension: ''
    aggregation: 'Count'
    operator: 'LessThan'
    threshold: 1
    frequency: 'PT1H'
    window: 'P2D'
    periods: 1
    failing: 1
    // Disabled instead of left out: a deployment does not remove a rule that it leaves out.
    enabled: renews
  }
]
var nearExpiryList = '"${join(nearExpiry, '", "')}"'

resource mailTo 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'provisioner'
    enabled: true
    emailReceivers: [{ name: 'ops', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: '${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Provisioner: ${rule.name}'
      description: '${rule.text} See docs/runbook.md.'
      severity: rule.severity
      enabled: rule.enabled
      scopes: [workspaceId]
      evaluationFrequency: rule.frequency
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: rule.query
            // The aggregation Count counts rows, and needs no column.
            metricMeasureColumn: rule.aggregation == 'Count' ? null : 'Value'
            timeAggregation: rule.aggregation
            dimensions: empty(rule.dimension) ? [] : [{ name: rule.dimension, operator: 'Include', values: ['*'] }]
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: rule.periods
              minFailingPeriodsToAlert: rule.failing
            }
          }
        ]
      }
      autoMitigate: true
      // The tables exist only after the first telemetry.
      skipQueryValidation: true
      actions: { actionGroups: actionGroups }
    }
  }
]

// These alerts use a metric of Service Bus, because functions that do not run send no metrics. A message that waits for its reservation is
// scheduled and not active.
var waits = [
  {
    name: 'messages-waiting'
    text: 'Messages are due and no worker takes them: do the workers run?'
    severity: 2
    threshold: 100
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    // Finds a dead worker also where few devices exist. A burst of more than an hour has the same metric, so the severity is low.
    name: 'messages-stuck'
    text: 'At every moment of the last hour a message was due: does the worker run?'
    severity: 3
    threshold: 0
    frequency: 'PT15M'
    window: 'PT1H'
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for wait in waits: {
    name: '${wait.name}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: '${wait.text} See docs/runbook.md.'
      severity: wait.severity
      enabled: true
      scopes: [serviceBusId]
      evaluationFrequency: wait.frequency
      windowSize: wait.window
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'active'
            metricNamespace: 'Microsoft.ServiceBus/namespaces'
            metricName: 'ActiveMessages'
            dimensions: [{ name: 'EntityName', operator: 'Include', values: [queueName] }]
            timeAggregation: 'Minimum'
            operator: 'GreaterThan'
            threshold: wait.threshold
          }
        ]
      }
      autoMitigate: true
      actions: map(actionGroups, id => { actionGroupId: id })
    }
  }
]
