// A topic whose events go into the functions' queue. A subscription that calls the function directly can only be created after the
// function: docs/deploy/azure.md has the command.

@description('Name of the topic.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the storage account of the queue.')
param storageName string

@description('Name of the queue.')
param queueName string

@description('Name of the container for events that could not be delivered.')
param deadLetterContainer string

@description('Object id of the identity that may send events. Empty: no identity may.')
param senderId string

// Built-in: EventGrid Data Sender, Storage Queue Data Message Sender, Storage Blob Data Contributor
var senderRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'd5a91429-5739-47e2-a06b-3470a27159e7')
var queueSenderRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a')
var blobContributorRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: { inputSchema: 'CloudEventSchemaV1_0', disableLocalAuth: true }
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource events 'queues' existing = { name: queueName }
  }

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadLetters 'containers' existing = { name: deadLetterContainer }
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(senderId)) {
  scope: topic
  name: guid(topic.id, senderId, senderRole)
  properties: { principalId: senderId, principalType: 'ServicePrincipal', roleDefinitionId: senderRole }
}

resource queueSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::queues::events
  name: guid(account.id, topic.id, queueSenderRole)
  properties: { principalId: topic.identity.principalId, principalType: 'ServicePrincipal', roleDefinitionId: queueSenderRole }
}

resource deadLetterWriter 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::blobs::deadLetters
  name: guid(account.id, topic.id, blobContributorRole)
  properties: { principalId: topic.identity.principalId, principalType: 'ServicePrincipal', roleDefinitionId: blobContributorRole }
}

resource toQueue 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'website-events'
  // The topic needs its rights first, because Azure checks whether it can deliver.
  dependsOn: [queueSender, deadLetterWriter]
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: { endpointType: 'StorageQueue', properties: { resourceId: account.id, queueName: queueName } }
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: account.id, blobContainerName: deadLetterContainer }
      }
    }
    // A resync looks at the Website long before this ends.
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 60 }
  }
}

@description('URL to send events to.')
output endpoint string = topic.properties.endpoint
