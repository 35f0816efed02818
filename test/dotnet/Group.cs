using System.Diagnostics;
using System.Text.Json;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases;

/// <summary>
/// A group of cases. Every public instance method that takes a <see cref="Broker"/> is a case, and its name with spaces is the
/// name of the case.
/// </summary>
public abstract class Group
{
    /// <summary>Cases that run at the same time. Some cases wait for the end of a lock.</summary>
    private const int Parallel = 8;

    /// <summary>A case that takes longer has failed. A queue's longest wait in a case is a minute.</summary>
    private static readonly TimeSpan LongestCase = TimeSpan.FromMinutes(3);

    /// <summary>Runs all cases. Returns true if all passed.</summary>
    public async Task<bool> RunAsync(string group, Broker broker)
    {
        var cases = GetType().GetMethods()
            .Where(method => method.GetParameters() is [{ ParameterType: var type }] && type == typeof(Broker)
                && method.DeclaringType == GetType());
        using SemaphoreSlim places = new(Parallel);
        var results = await Task.WhenAll(cases.Select(async method =>
        {
            await places.WaitAsync();
            try
            {
                return await RunCaseAsync(group, method.Name.Replace('_', ' '), () => (Task)method.Invoke(this, [broker])!);
            }
            finally
            {
                places.Release();
            }
        }));
        Print(new { group, passed = results.Count(ok => ok), failed = results.Count(ok => !ok) });
        return results.All(ok => ok) && results.Length > 0;
    }

    /// <summary>Runs one case and prints its result.</summary>
    public static async Task<bool> RunCaseAsync(string group, string name, Func<Task> run)
    {
        var watch = Stopwatch.StartNew();
        string? error = null;
        try
        {
            await run().WaitAsync(LongestCase);
        }
        catch (Exception exception)
        {
            error = $"{exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}";
        }
        Print(new { group, @case = name, ok = error is null, ms = watch.ElapsedMilliseconds, error });
        return error is null;
    }

    /// <summary>Prints a value as one line of JSON.</summary>
    public static void Print(object value)
    {
        lock (Console.Out) Console.WriteLine(JsonSerializer.Serialize(value));
    }

    /// <summary>
    /// Receives exactly this number of messages. Fails if no further message arrives for a long time. Between two receives the client
    /// releases late messages, so messages may arrive in another order. The result is in the order of the queue.
    /// </summary>
    protected static async Task<List<ServiceBusReceivedMessage>> ReceiveAsync(ServiceBusReceiver receiver, int count)
    {
        List<ServiceBusReceivedMessage> messages = [];
        while (messages.Count < count)
        {
            var more = await receiver.ReceiveMessagesAsync(count - messages.Count, Broker.LongWait);
            if (more.Count == 0) throw new CheckFailed($"only {messages.Count} of {count} messages arrived");
            messages.AddRange(more);
        }
        return [.. messages.OrderBy(message => message.SequenceNumber)];
    }

    /// <summary>Sends messages with the bodies 0, 1, 2, ...</summary>
    protected static async Task SendAsync(Broker broker, string queue, int count)
    {
        await using var sender = broker.Client.CreateSender(queue);
        foreach (var part in Enumerable.Range(0, count).Chunk(500))
        {
            await sender.SendMessagesAsync(part.Select(n => new ServiceBusMessage(n.ToString())));
        }
    }

    protected static int NumberOf(ServiceBusReceivedMessage message) => int.Parse(message.Body.ToString());
}
