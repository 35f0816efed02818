// The hub, if there was none.

param name string
param location string
param tags object
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

output name string = hub.name
