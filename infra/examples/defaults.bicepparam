// The smallest deployment: every parameter that has a default keeps the default.
using '../main.bicep'

param environmentName = 'defaults'
param location = 'westeurope'
param balenaApiKey = 'an example'
