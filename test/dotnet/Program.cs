using ServiceBusCases;
using ServiceBusCases.Cases;

// Runs groups of cases of the .NET client against a broker, and prints one line of JSON for each case and one line for each
// group. The exit code is 1 if a case failed.
//
//   SERVICEBUS_CONNECTION_STRING='Endpoint=sb://...' dotnet run --project test/dotnet -- <group> ...

Dictionary<string, Func<Broker, Task<bool>>> groups = new()
{
    ["sending"] = broker => new Sending().RunAsync("sending", broker),
    ["properties"] = broker => new Properties().RunAsync("properties", broker),
    ["scheduling"] = broker => new Scheduling().RunAsync("scheduling", broker),
    ["receiving"] = broker => new Receiving().RunAsync("receiving", broker),
    ["settling"] = broker => new Settling().RunAsync("settling", broker),
    ["locks"] = broker => new Locks().RunAsync("locks", broker),
    ["deadLetters"] = broker => new DeadLetters().RunAsync("deadLetters", broker),
    ["errors"] = broker => new Errors().RunAsync("errors", broker),
    ["processor"] = broker => new Processors().RunAsync("processor", broker),
    ["administration"] = broker => new Administration().RunAsync("administration", broker),
    ["refused"] = broker => new Refused().RunAsync("refused", broker),
    ["kills"] = Kills.RunAsync,
    ["idle"] = Idle.RunAsync,
};

var connectionString = Environment.GetEnvironmentVariable("SERVICEBUS_CONNECTION_STRING");
if (args.Length == 0 || !args.All(groups.ContainsKey) || connectionString is null)
{
    Console.Error.WriteLine($"Set SERVICEBUS_CONNECTION_STRING, and name groups: {string.Join(", ", groups.Keys)}");
    return 2;
}
await using var broker = new Broker(connectionString);
var passed = true;
foreach (var name in args) passed &= await groups[name](broker);
return passed ? 0 : 1;
