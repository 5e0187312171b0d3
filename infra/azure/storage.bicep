@description('Name of the storage account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the functions\' identity.')
param ownerId string

@description('Whether there is a queue for events.')
param hasQueue bool

@description('Object id of the identity that may put events into the queue. Empty: no identity may.')
param queueSenderId string

var queueName = 'website-events'
var packageContainer = 'packages'
var deadLetterContainer = 'website-events-dead-letters'

// Built-in: Storage Blob Data Owner, Storage Queue Data Contributor, Storage Queue Data Message Sender
var blobOwnerRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
var queueContributorRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '974c5e8b-45b9-4653-ba55-5f855dd0fb88')
var queueSenderRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a')

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = { name: packageContainer }

    resource deadLetters 'containers' = if (hasQueue) { name: deadLetterContainer }
  }

  resource queues 'queueServices' = {
    name: 'default'

    resource events 'queues' = if (hasQueue) { name: queueName }

    // The host would create this queue with its first message. Here it exists before, so that an alert can be set on it.
    resource poison 'queues' = if (hasQueue) { name: '${queueName}-poison' }
  }
}

// The host keeps its leases, its keys and the package in blobs.
resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, ownerId, blobOwnerRole)
  properties: { principalId: ownerId, principalType: 'ServicePrincipal', roleDefinitionId: blobOwnerRole }
}

resource queueContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasQueue) {
  scope: account
  name: guid(account.id, ownerId, queueContributorRole)
  properties: { principalId: ownerId, principalType: 'ServicePrincipal', roleDefinitionId: queueContributorRole }
}

resource queueSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasQueue && !empty(queueSenderId)) {
  scope: account::queues::events
  name: guid(account.id, queueSenderId, queueSenderRole)
  properties: { principalId: queueSenderId, principalType: 'ServicePrincipal', roleDefinitionId: queueSenderRole }
}

@description('Name of the storage account.')
output name string = account.name

@description('Name of the container of deployment packages.')
output packageContainer string = packageContainer

@description('Name of the container for events that Event Grid could not deliver.')
output deadLetterContainer string = deadLetterContainer

@description('Name of the queue of events.')
output queueName string = queueName

@description('URL of the queue of events.')
output queueUrl string = '${account.properties.primaryEndpoints.queue}${queueName}'
