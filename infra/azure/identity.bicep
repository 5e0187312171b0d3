@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Issuer of the tokens that Entra exchanges for those of the identity (workload identity). Empty for a program that runs on Azure.')
param issuer string = ''

@description('Subject of those tokens.')
param subject string = ''

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(issuer)) {
  parent: identity
  name: 'cluster'
  properties: { issuer: issuer, subject: subject, audiences: ['api://AzureADTokenExchange'] }
}

@description('Resource id.')
output id string = identity.id

@description('Client id: the name that programs use.')
output clientId string = identity.properties.clientId

@description('Object id: the name that role assignments use.')
output principalId string = identity.properties.principalId
