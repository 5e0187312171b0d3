// azd up: the functions on Azure, and what they need. Nothing here has a key or a password: everybody is an identity of Entra.
targetScope = 'subscription'

@description('Name of the azd environment. Names of resources are derived from it.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of all resources. It has to offer Flex Consumption: az functionapp list-flexconsumption-locations.')
param location string

@description('Object id of whoever deploys. They may write the kubeconfig into the key vault; empty for nobody.')
param deployerId string = ''

@description('Name of the cluster, as the forwarder has it in CLUSTER_NAME.')
param clusterName string = 'default'

@description('Resource id of an AKS cluster with Entra, whose kubeconfig is put into the key vault. Empty for any other cluster: its kubeconfig is written there by hand, as the secret kubeconfig.')
param aksClusterId string = ''

@description('Issuer of the ServiceAccount tokens of the cluster, for the forwarder\'s workload identity. Empty where the forwarder needs none, since it has the function key.')
param clusterIssuer string = ''

@description('How events come: http, to the functions\' URL; queue, by a Storage queue; event-grid, by a topic of Event Grid and then that queue.')
@allowed(['http', 'queue', 'event-grid'])
param eventRoute string = 'http'

@description('Resource id of a subnet that is delegated to Microsoft.App/environments, of /27 or larger, from which a private API server can be reached and its name resolved. Empty for a public one.')
param functionsSubnetId string = ''

@description('When to look at all Websites: six-field NCRONTAB, in UTC.')
param resyncSchedule string = '0 */10 * * * *'

@description('Memory of an instance. Half a gigabyte is little beside the Functions host.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances. It protects the API server: each works on 32 requests at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 5

@description('More application settings of the functions, such as CALLER_ISSUER (docs/functions.md). No secrets: use references to the key vault.')
param moreSettings object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var hasQueue = eventRoute != 'http'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  scope: group
  params: { name: 'id-functions-${token}', location: location, tags: tags }
}

module forwarder 'identity.bicep' = if (!empty(clusterIssuer)) {
  scope: group
  params: {
    name: 'id-forwarder-${token}'
    location: location
    tags: tags
    issuer: clusterIssuer
    subject: 'system:serviceaccount:website-reconciler:website-forwarder'
  }
}

var forwarderId = empty(clusterIssuer) ? '' : forwarder!.outputs.principalId

module monitoring 'monitoring.bicep' = {
  scope: group
  params: { token: token, location: location, tags: tags, publisherId: identity.outputs.principalId }
}

module storage 'storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    ownerId: identity.outputs.principalId
    hasQueue: hasQueue
    queueSenderId: eventRoute == 'queue' ? forwarderId : ''
  }
}

module eventGrid 'event-grid.bicep' = if (eventRoute == 'event-grid') {
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    storageName: storage.outputs.name
    queueName: storage.outputs.queueName
    deadLetterContainer: storage.outputs.deadLetterContainer
    senderId: forwarderId
  }
}

module keyVault 'key-vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    readerId: identity.outputs.principalId
    writerId: deployerId
  }
}

module aksKubeconfig 'aks-kubeconfig.bicep' = if (!empty(aksClusterId)) {
  scope: group
  params: { keyVaultName: keyVault.outputs.name, aksClusterId: aksClusterId }
}

module functions 'functions.bicep' = {
  scope: group
  // A reference to a secret that is not there yet is looked up again a day later.
  dependsOn: [aksKubeconfig]
  params: {
    name: 'func-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    subnetId: functionsSubnetId
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    settings: union(
      {
        CLUSTER_NAME: clusterName
        RESYNC_SCHEDULE: resyncSchedule
        KUBECONFIG_CONTENT: '@Microsoft.KeyVault(SecretUri=${keyVault.outputs.kubeconfigUri})'
        AZURE_CLIENT_ID: identity.outputs.clientId
      },
      hasQueue ? { EVENTS_QUEUE: storage.outputs.queueName } : {},
      moreSettings
    )
  }
}

var sinks = {
  http: functions.outputs.eventsUrl
  queue: storage.outputs.queueUrl
  'event-grid': eventRoute == 'event-grid' ? eventGrid!.outputs.endpoint : ''
}

@description('Where the forwarder sends events to: its SINK.')
output SINK string = sinks[eventRoute]

@description('What kind of place that is: its SINK_KIND.')
output SINK_KIND string = eventRoute == 'queue' ? 'storage-queue' : eventRoute

@description('Name of the cluster: the forwarder\'s CLUSTER_NAME.')
output CLUSTER_NAME string = clusterName

@description('Name of the function app.')
output FUNCTION_APP_NAME string = functions.outputs.name

@description('Object id of the functions\' identity: the User that gets its rights in the cluster.')
output FUNCTIONS_PRINCIPAL_ID string = identity.outputs.principalId

@description('Client id of the forwarder\'s identity, for the annotation of its ServiceAccount. Empty without one.')
output FORWARDER_CLIENT_ID string = empty(clusterIssuer) ? '' : forwarder!.outputs.clientId

@description('Name of the key vault that holds the kubeconfig.')
output KEY_VAULT_NAME string = keyVault.outputs.name

@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name
