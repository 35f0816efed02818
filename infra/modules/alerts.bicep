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

var rules = [
  {
    name: 'requests-failing'
    text: 'More than 10 HTTP requests ended in 5xx or 429 within 5 minutes, in 2 of the last 3 such times: devices have to repeat their requests.'
    // An instance with too many requests answers 503, and its host 429. Without /api/health: the health check answers 503 while a dependency is unavailable, and a monitor requests it all the time.
    severity: 2
    query: 'AppRequests | where toint(ResultCode) >= 500 or ResultCode == "429" | where not(Name endswith "health" or Url contains "/api/health") | project TimeGenerated, Value = ItemCount'
    dimension: ''
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
    text: '10 or more requests failed for good within 1 hour, whatever their codes. Each has its dead letter, unless balena never had the device.'
    severity: 2
    query: 'AppMetrics | where Name == "provisioner.failed" | project TimeGenerated, Value = Sum'
    dimension: ''
    aggregation: 'Total'
    operator: 'GreaterThanOrEqual'
    threshold: 10
    frequency: 'PT5M'
    window: 'PT1H'
    periods: 1
    failing: 1
    enabled: true
  }
  {
    name: 'queue-age'
    text: 'The oldest due message waited more than ${queueAgeLimitSeconds} seconds at 3 of the last 3 looks, each over 10 minutes: the workers are too slow, or do not run.'
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
    text: 'balena or the hub rejected our credentials more than 0 times within 5 minutes: all work waits.'
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
    text: 'More than 0 certificates had no renewal although half of the time from the renewal to the expiry had passed, at the last count within 2 days: their devices will be cut off.'
    severity: 1
    // The metric follows CERT_DAYS and RENEW_AT: src/certificates/renewal.ts.
    query: 'AppMetrics | where Name == "provisioner.certificates.late" | top 1 by TimeGenerated | project TimeGenerated, Value = Sum / ItemCount'
    dimension: ''
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
    text: 'Less than 1 count of the certificates within 2 days: the function renew does not run, or no telemetry arrives.'
    severity: 2
    // One row if the certificates were counted, or if the functions are younger than two days. No row otherwise, also without any telemetry.
    query: 'AppMetrics | where Name startswith "provisioner." | summarize N = countif(Name == "provisioner.certificates"), First = min(TimeGenerated), TimeGenerated = max(TimeGenerated) | where N > 0 or First > ago(47h)'
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
  {
    name: 'timers-silent'
    text: 'Less than 1 run of the timer redrive within 15 minutes: the host does not run its timers, or each run fails. Other functions run the redrive meanwhile.'
    severity: 2
    // Runs that another function began do not count: a host whose timers are silent does not renew certificates either.
    query: 'AppMetrics | where Name == "provisioner.timer.runs" and tostring(Properties.timer) == "redrive" and tostring(Properties.starter) == "timer" and Sum > 0 | project TimeGenerated'
    dimension: ''
    aggregation: 'Count'
    operator: 'LessThan'
    threshold: 1
    frequency: 'PT5M'
    window: 'PT15M'
    periods: 1
    failing: 1
    enabled: true
  }
]

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

// These alerts use metrics of Service Bus, because functions that do not run send no metrics. A message that waits for its reservation is
// scheduled and not active.
var waits = [
  {
    name: 'messages-waiting'
    text: 'More than 100 messages were due at every moment of the last 15 minutes: do the workers run?'
    severity: 2
    metric: 'ActiveMessages'
    aggregation: 'Minimum'
    threshold: 100
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    // Finds a dead worker also where few devices exist. A burst of more than an hour has the same metric, so the severity is low.
    name: 'messages-stuck'
    text: 'More than 0 messages were due at every moment of the last 1 hour: does the worker run?'
    severity: 3
    metric: 'ActiveMessages'
    aggregation: 'Minimum'
    threshold: 0
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'queue-throttled'
    text: 'Service Bus refused more than 100 operations within 15 minutes, because the credits of the namespace were used up.'
    severity: 3
    metric: 'ThrottledRequests'
    aggregation: 'Total'
    threshold: 100
    frequency: 'PT5M'
    window: 'PT15M'
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
            metricName: wait.metric
            dimensions: [{ name: 'EntityName', operator: 'Include', values: [queueName] }]
            timeAggregation: wait.aggregation
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
