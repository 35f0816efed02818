// What somebody is woken for. docs/runbook.md says what each alert means and what to do; the metrics are those of src/telemetry.

param token string
param location string
param tags object
param workspaceId string
param serviceBusId string
param queueName string
param queueAgeLimitSeconds int
param email string

var actionGroups = empty(email) ? [] : [mailTo.id]

// Certificates are counted by days left. RENEW_AT renews them long before: what gets here was not renewed.
var nearExpiry = ['expired', '7', '30']

var rules = [
  {
    name: 'requests-failing'
    text: 'HTTP requests end in 5xx: devices are told to ask again.'
    severity: 2
    query: 'AppRequests | where toint(ResultCode) >= 500 | project TimeGenerated, Function = Name, Value = ItemCount'
    dimension: 'Function'
    aggregation: 'Total'
    threshold: 10
    frequency: 'PT5M'
    window: 'PT5M'
    periods: 3
    failing: 2
  }
  {
    name: 'work-failing'
    text: 'Requests have failed for good and are dead-lettered.'
    severity: 2
    query: 'AppMetrics | where Name == "provisioner.failed" | project TimeGenerated, Code = tostring(Properties.code), Value = Sum'
    dimension: 'Code'
    aggregation: 'Total'
    threshold: 10
    frequency: 'PT5M'
    window: 'PT15M'
    periods: 1
    failing: 1
  }
  {
    name: 'queue-age'
    text: 'The oldest message that is due waits too long: the workers do not keep up, or do not work.'
    severity: 2
    query: 'AppMetrics | where Name == "provisioner.queue.oldest_age" | project TimeGenerated, Value = Sum / ItemCount'
    dimension: ''
    aggregation: 'Maximum'
    threshold: queueAgeLimitSeconds
    frequency: 'PT5M'
    window: 'PT5M'
    periods: 3
    failing: 3
  }
  {
    name: 'credentials-refused'
    text: 'balena or the hub refuses our credentials: all work waits.'
    severity: 1
    query: 'AppMetrics | where Name == "provisioner.credentials_refused" | project TimeGenerated, Dependency = tostring(Properties.dependency), Value = Sum'
    dimension: 'Dependency'
    aggregation: 'Total'
    threshold: 0
    frequency: 'PT5M'
    window: 'PT5M'
    periods: 1
    failing: 1
  }
  {
    name: 'certificates-near-expiry'
    text: 'Certificates that should have been renewed are about to expire: those devices will be cut off.'
    severity: 1
    query: 'AppMetrics | where Name == "provisioner.certificates" | extend DaysLeft = tostring(Properties.days_left) | where DaysLeft in (${nearExpiryList}) | project TimeGenerated, DaysLeft, Value = Sum / ItemCount'
    dimension: 'DaysLeft'
    aggregation: 'Maximum'
    threshold: 0
    frequency: 'PT1H'
    window: 'P1D'
    periods: 1
    failing: 1
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

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${rule.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Provisioner: ${rule.name}'
    description: '${rule.text} See docs/runbook.md.'
    severity: rule.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: 'Value'
          timeAggregation: rule.aggregation
          dimensions: empty(rule.dimension) ? [] : [{ name: rule.dimension, operator: 'Include', values: ['*'] }]
          operator: 'GreaterThan'
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: rule.periods
            minFailingPeriodsToAlert: rule.failing
          }
        }
      ]
    }
    autoMitigate: true
    // The tables are there from the first telemetry on.
    skipQueryValidation: true
    actions: { actionGroups: actionGroups }
  }
}]

// Service Bus itself says so: when the functions do not run at all, they cannot. What waits for its slot is scheduled, and not active.
resource waiting 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'messages-waiting-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Messages are due and nobody takes them: are the workers there? See docs/runbook.md.'
    severity: 2
    enabled: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
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
          threshold: 100
        }
      ]
    }
    autoMitigate: true
    actions: map(actionGroups, id => { actionGroupId: id })
  }
}
