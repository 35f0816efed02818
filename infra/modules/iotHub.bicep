// The hub that the first deployment creates. A second PUT with these values could revert later changes (units, routes, network), so later
// deployments leave the hub unchanged (CREATED_IOT_HUB in main.bicep).

import { Tags } from 'types.bicep'

param name string
param location string
param tags Tags
param tier string
param units int

// A hub accepts this property in these regions only. All hubs have rejected TLS 1.0 and 1.1 since 2025-08-31.
// https://learn.microsoft.com/azure/iot-hub/iot-hub-tls-support
var enforcesTls = ['eastus', 'southcentralus', 'westus2']

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: tier
    capacity: units
  }
  properties: {
    // Shared access policies of services. Devices connect with certificates, and functions and operators with their identities.
    disableLocalAuth: true
    minTlsVersion: contains(enforcesTls, location) ? '1.2' : null
  }
}
