using System.Collections.Concurrent;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

/// <summary>
/// Senders and a processor work while the caller kills and restarts the broker. The caller reads the number of acknowledged sends
/// from this program's lines, and writes a line to this program when the kills are over.
/// </summary>
public static class Kills
{
    private const string Queue = "kills";
    private const int Senders = 20;

    /// <summary>After the last kill, the messages must arrive within this time after the message before.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    public static async Task<bool> RunAsync(Broker broker)
    {
        ConcurrentDictionary<string, bool> sent = new(), processed = new();
        ConcurrentDictionary<long, bool> completed = new();
        int undone = 0, sendErrors = 0;
        var lastMessage = DateTimeOffset.UtcNow;
        await using var client = Broker.NewClient(broker.ConnectionString, options =>
        {
            options.RetryOptions.MaxRetries = 3;
            options.RetryOptions.TryTimeout = TimeSpan.FromSeconds(10);
        });
        await using var processor = client.CreateProcessor(Queue, new ServiceBusProcessorOptions { MaxConcurrentCalls = 32, AutoCompleteMessages = false });
        processor.ProcessErrorAsync += _ => Task.CompletedTask;
        processor.ProcessMessageAsync += async args =>
        {
            lastMessage = DateTimeOffset.UtcNow;
            if (completed.ContainsKey(args.Message.SequenceNumber)) Interlocked.Increment(ref undone);
            processed[args.Message.MessageId] = true;
            await args.CompleteMessageAsync(args.Message);
            completed[args.Message.SequenceNumber] = true;
        };
        await processor.StartProcessingAsync();

        using CancellationTokenSource over = new();
        var sending = Enumerable.Range(0, Senders).Select(async name =>
        {
            await using var sender = client.CreateSender(Queue);
            for (var n = 0; !over.IsCancellationRequested; n++)
            {
                var id = $"{name}-{n}";
                try
                {
                    await sender.SendMessageAsync(new ServiceBusMessage(new byte[500]) { MessageId = id });
                    sent[id] = true;
                    if (sent.Count % 100 == 0) Group.Print(new { acknowledged = sent.Count });
                }
                catch (ServiceBusException)
                {
                    // The broker died during the send. The message may have arrived, and is not counted.
                    Interlocked.Increment(ref sendErrors);
                }
            }
        }).ToList();
        await Console.In.ReadLineAsync();
        over.Cancel();
        await Task.WhenAll(sending);
        bool IsMissing() => sent.Keys.Any(id => !processed.ContainsKey(id));
        lastMessage = DateTimeOffset.UtcNow;
        while (IsMissing() && DateTimeOffset.UtcNow < lastMessage + LongestSilence) await Task.Delay(50);
        await processor.StopProcessingAsync();

        var lost = sent.Keys.Count(id => !processed.ContainsKey(id));
        Group.Print(new { group = "kills", sent = sent.Count, completed = completed.Count, sendErrors, lost, undone });
        return lost == 0 && undone == 0 && !sent.IsEmpty;
    }
}
