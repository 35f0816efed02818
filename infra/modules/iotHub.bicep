// The hub, if there was none: for the first deployment. A second one would PUT it again with what is written here, and might set back what
// was changed since (units, routes, network). So it is an existing hub from then on (EXISTING_IOT_HUB; README.md, "Into Azure").

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
