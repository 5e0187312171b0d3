// The kubeconfig that az aks get-credentials writes. It stays in the vault, because it contains a secret if the cluster does not use Entra.

@description('Name of the key vault.')
param keyVaultName string

@description('Resource id of the AKS cluster. The user who deploys needs the role Azure Kubernetes Service Cluster User there.')
param aksClusterId string

resource cluster 'Microsoft.ContainerService/managedClusters@2024-09-01' existing = {
  scope: resourceGroup(split(aksClusterId, '/')[2], split(aksClusterId, '/')[4])
  name: split(aksClusterId, '/')[8]
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVaultName

  resource kubeconfig 'secrets' = {
    name: 'kubeconfig'
    properties: { value: base64ToString(cluster.listClusterUserCredential().kubeconfigs[0].value), contentType: 'application/yaml' }
  }
}
