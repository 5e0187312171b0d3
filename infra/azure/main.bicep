// azd up: the functions on Azure, and what they need. All parts use identities of Entra, and no keys or passwords.
targetScope = 'subscription'

@description('Name of the azd environment. Names of resources are derived from it.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of all resources. It must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
param location string

@description('Object id of the user who deploys, and who may write the kubeconfig into the key vault. Empty: no user may.')
param deployerId string = ''

@description('Name of the cluster: the forwarder\'s CLUSTER_NAME.')
param clusterName string = 'default'

@description('Resource id of an AKS cluster with Entra. Its kubeconfig goes into the key vault. Empty for any other cluster: write its kubeconfig there yourself, as the secret kubeconfig.')
param aksClusterId string = ''

@description('Issuer of the ServiceAccount tokens of the cluster, for the forwarder\'s workload identity. Empty if the forwarder uses the function key.')
param clusterIssuer string = ''

@description('How events travel. http: to the URL of the functions. queue: through a Storage queue. event-grid: through an Event Grid topic and then that queue.')
@allowed(['http', 'queue', 'event-grid'])
param eventRoute string = 'http'

@description('Resource id of a subnet of /27 or larger, delegated to Microsoft.App/environments, that reaches a private API server and resolves its name. Empty for a public API server.')
param functionsSubnetId string = ''

@description('When to resync all Websites: an NCRONTAB expression with six fields, in UTC.')
param resyncSchedule string = '0 */10 * * * *'

@description('Memory of an instance. The Functions host leaves little of 512 MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Largest number of instances. It protects the API server: each instance works on 32 requests at once.')
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
  // If the secret does not exist yet, Azure resolves the reference again only a day later.
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

@description('URL that the forwarder sends events to: its SINK.')
output SINK string = sinks[eventRoute]

@description('Kind of that sink: its SINK_KIND.')
output SINK_KIND string = eventRoute == 'queue' ? 'storage-queue' : eventRoute

@description('Name of the cluster: the forwarder\'s CLUSTER_NAME.')
output CLUSTER_NAME string = clusterName

@description('Name of the function app.')
output FUNCTION_APP_NAME string = functions.outputs.name

@description('Object id of the functions\' identity: the User that gets the rights in the cluster.')
output FUNCTIONS_PRINCIPAL_ID string = identity.outputs.principalId

@description('Client id of the forwarder\'s identity, for the annotation of its ServiceAccount. Empty without one.')
output FORWARDER_CLIENT_ID string = empty(clusterIssuer) ? '' : forwarder!.outputs.clientId

@description('Name of the key vault that holds the kubeconfig.')
output KEY_VAULT_NAME string = keyVault.outputs.name

@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name
