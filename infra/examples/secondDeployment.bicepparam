// The second deployment of the smallest environment: the first one has created the hub and stored the key, and the lock was declined.
using '../main.bicep'

param environmentName = 'defaults'
param location = 'westeurope'
param createdIotHubName = 'iot-created'
param iotHubLock = false
