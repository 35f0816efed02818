// What somebody is woken for. docs/runbook.md says what each alert means and what to do; the metrics are those of src/telemetry.

param token string
param location string
param tags object
param workspaceId string
param serviceBusId string
param queueName string
param queueAgeLimitSeconds int
param email string
@description('Whether certificates are renewed: without it, nothing counts them.')
param renews bool

var actionGroups = empty(email) ? [] : [mailTo.id]

// Certificates are counted by days left. RENEW_AT renews them long before: what gets here was not renewed.
var nearExpiry = ['expired', '7', '30']

var rules = [
  {
    name: 'requests-failing'
    text: 'HTTP requests end in 5xx: devices are told to ask again.'
    // Not those of /api/health: 503 is its answer when a dependency is away, and a monitor asks it all the time.
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
    text: 'The oldest message that is due waits too long: the workers do not keep up, or do not work.'
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
    text: 'Certificates that should have been renewed are about to expire: those devices will be cut off.'
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
    // One row, if they were counted, or if the functions are younger than two days; none, also where there is no telemetry at all.
    query: 'AppMetrics | where Name startswith "provisioner." | summarize Counted = countif(Name == "provisioner.certificates"), First = min(TimeGenerated) | where Counted > 0 or First > ago(47h)'
    dimension: ''
    aggregation: 'Count'
    operator: 'LessThan'
    threshold: 1
    frequency: 'PT1H'
    window: 'P2D'
    periods: 1
    failing: 1
    // Not left out: a rule that a deployment leaves out stays as it was.
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

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
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
          // A count is of the rows.
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
    // The tables are there from the first telemetry on.
    skipQueryValidation: true
    actions: { actionGroups: actionGroups }
  }
}]

// Service Bus itself says so: when the functions do not run at all, they cannot. What waits for its slot is scheduled, and not active.
var waits = [
  {
    name: 'messages-waiting'
    text: 'Messages are due and nobody takes them: are the workers there?'
    severity: 2
    threshold: 100
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    // A worker that is dead where there are few devices. A burst of more than an hour can look like this too, so it wakes nobody.
    name: 'messages-stuck'
    text: 'For an hour there was no moment without a message that is due: is the worker there?'
    severity: 3
    threshold: 0
    frequency: 'PT15M'
    window: 'PT1H'
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for wait in waits: {
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
}]
