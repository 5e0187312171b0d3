@description('Text that makes names unique.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the identity that may publish telemetry.')
param publisherId string

// Built-in: Monitoring Metrics Publisher
var publisherRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    // Refuses telemetry that is sent with only the connection string.
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: applicationInsights
  name: guid(applicationInsights.id, publisherId, publisherRole)
  properties: { principalId: publisherId, principalType: 'ServicePrincipal', roleDefinitionId: publisherRole }
}

@description('Name of the Application Insights component.')
output applicationInsightsName string = applicationInsights.name
