// The hub that the first deployment creates. A second deployment would PUT the hub again with these values, and could revert later changes
// (units, routes, network). Later deployments must therefore name the hub as existing (EXISTING_IOT_HUB; README.md, "Into Azure").

import { Tags } from 'types.bicep'

param name string
param location string
param tags Tags
param tier string
param units int

resource hub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: tier
    capacity: units
  }
}
