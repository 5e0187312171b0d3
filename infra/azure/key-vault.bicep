@description('Name of the key vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Object id of the functions\' identity, which reads the kubeconfig.')
param readerId string

@description('Object id of the user who may write it. Empty: no user may.')
param writerId string

// Built-in: Key Vault Secrets User, Key Vault Secrets Officer
var readerRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
var writerRole = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7')

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, readerId, readerRole)
  properties: { principalId: readerId, principalType: 'ServicePrincipal', roleDefinitionId: readerRole }
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(writerId)) {
  scope: vault
  name: guid(vault.id, writerId, writerRole)
  properties: { principalId: writerId, roleDefinitionId: writerRole }
}

@description('Name of the key vault.')
output name string = vault.name

@description('Address of the secret that is the kubeconfig. Without a version, so that a new one is taken up within a day.')
output kubeconfigUri string = '${vault.properties.vaultUri}secrets/kubeconfig'
