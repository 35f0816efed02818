using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace ServiceBusCases;

/// <summary>The clients of one namespace. Every case has a queue of its own, so cases run side by side.</summary>
public sealed class Broker(string connectionString) : IAsyncDisposable
{
    /// <summary>Upper limit of waiting for a message. A slow machine may need some of this time.</summary>
    public static readonly TimeSpan LongWait = TimeSpan.FromSeconds(60);

    /// <summary>The time for a receive that is expected to find nothing.</summary>
    public static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(300);

    private int _queues;

    public string ConnectionString { get; } = connectionString;

    public ServiceBusAdministrationClient Admin { get; } = new(connectionString);

    public ServiceBusClient Client { get; } = NewClient(connectionString);

    /// <summary>A client that retries once, so that a case fails soon.</summary>
    public static ServiceBusClient NewClient(string connectionString, Action<ServiceBusClientOptions>? change = null)
    {
        ServiceBusClientOptions options = new()
        {
            RetryOptions = { MaxRetries = 1, Delay = TimeSpan.FromMilliseconds(50), TryTimeout = LongWait },
        };
        change?.Invoke(options);
        return new ServiceBusClient(connectionString, options);
    }

    /// <summary>Creates an empty queue with a name of its own. Locks last as long as possible, for slow machines.</summary>
    public async Task<string> NewQueueAsync(Action<CreateQueueOptions>? change = null)
    {
        CreateQueueOptions options = new($"dotnet-{Environment.ProcessId}-{Interlocked.Increment(ref _queues)}") { LockDuration = TimeSpan.FromMinutes(5) };
        change?.Invoke(options);
        await Admin.CreateQueueAsync(options);
        return options.Name;
    }

    /// <summary>The number of dead letters of a queue.</summary>
    public async Task<long> DeadLettersAsync(string queue) =>
        (await Admin.GetQueueRuntimePropertiesAsync(queue)).Value.DeadLetterMessageCount;

    public async ValueTask DisposeAsync() => await Client.DisposeAsync();
}
