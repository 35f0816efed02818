@export()
@description('Settings of the functions, by name.')
type Settings = { *: string }

@export()
@description('Tags of a resource, by name.')
type Tags = { *: string }
