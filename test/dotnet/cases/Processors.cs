using System.Collections.Concurrent;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Processors : Group
{
    public async Task one_handler_processes_in_order(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 300);
        ConcurrentQueue<int> seen = new();
        await ProcessAsync(broker, queue, new() { MaxConcurrentCalls = 1 }, args =>
        {
            seen.Enqueue(NumberOf(args.Message));
            return Task.CompletedTask;
        }, () => seen.Count == 300);
        Check.Sequence(Enumerable.Range(0, 300), seen, "bodies");
        await CheckEmptyAsync(broker, queue);
    }

    public async Task thirty_two_handlers_process_every_message_once(Broker broker)
    {
        const int count = 5000;
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, count);
        ConcurrentDictionary<int, int> seen = new();
        int running = 0, most = 0;
        Lock counting = new();
        await ProcessAsync(broker, queue, new() { MaxConcurrentCalls = 32, PrefetchCount = 100 }, async args =>
        {
            lock (counting) most = Math.Max(most, ++running);
            await Task.Yield();
            seen.AddOrUpdate(NumberOf(args.Message), 1, (_, times) => times + 1);
            lock (counting) running--;
        }, () => seen.Count == count);
        Check.True(most is > 1 and <= 32, $"{most} handlers at once are 2 to 32");
        Check.Equal(0, seen.Values.Count(times => times != 1), "messages processed more than once");
        await CheckEmptyAsync(broker, queue);
    }

    public async Task a_handler_that_takes_longer_than_the_lock_keeps_the_message(Broker broker)
    {
        var queue = await broker.NewQueueAsync(options => options.LockDuration = TimeSpan.FromSeconds(5));
        await SendAsync(broker, queue, 1);
        ConcurrentQueue<int> counts = new();
        await ProcessAsync(broker, queue, new(), async args =>
        {
            var firstEnd = args.Message.LockedUntil;
            counts.Enqueue(args.Message.DeliveryCount);
            while (DateTimeOffset.UtcNow < firstEnd.AddSeconds(1)) await Task.Delay(100);
        }, () => counts.Count == 1);
        Check.Sequence([1], counts, "delivery counts");
        await CheckEmptyAsync(broker, queue);
    }

    public async Task a_handler_that_throws_abandons_until_the_message_is_a_dead_letter(Broker broker)
    {
        var queue = await broker.NewQueueAsync(options => options.MaxDeliveryCount = 3);
        await SendAsync(broker, queue, 1);
        ConcurrentQueue<int> counts = new();
        await ProcessAsync(broker, queue, new(), args =>
        {
            counts.Enqueue(args.Message.DeliveryCount);
            throw new InvalidOperationException("expected");
        }, () => counts.Count == 3);
        Check.Sequence([1, 2, 3], counts, "delivery counts");
        var dead = await Settling.DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("MaxDeliveryCountExceeded", dead.DeadLetterReason, "reason");
    }

    public async Task a_handler_settles_by_itself(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 30);
        ConcurrentQueue<int> settled = new();
        await ProcessAsync(broker, queue, new() { AutoCompleteMessages = false, MaxConcurrentCalls = 5 }, async args =>
        {
            var (message, n) = (args.Message, NumberOf(args.Message));
            if (n % 3 == 0) await args.DeadLetterMessageAsync(message, new Dictionary<string, object> { ["n"] = (long)n }, "reason", "description");
            else if (n % 3 == 1 && message.DeliveryCount == 1) await args.AbandonMessageAsync(message, new Dictionary<string, object> { ["seen"] = Guid.Empty });
            else
            {
                await args.RenewMessageLockAsync(message);
                await args.CompleteMessageAsync(message);
            }
            settled.Enqueue(n);
        }, () => settled.Count == 40);
        var dead = await ReceiveAsync(Settling.DeadReceiver(broker, queue), 10);
        Check.True(dead.All(one => one.ApplicationProperties["n"] is long), "the property keeps its type");
        await CheckEmptyAsync(broker, queue);
    }

    public async Task thirty_stops_under_load_cost_no_delivery(Broker broker)
    {
        const int count = 3000;
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, count);
        ConcurrentDictionary<int, int> counts = new();
        for (var stop = 1; stop <= 30; stop++)
        {
            var goal = Math.Min(count, counts.Count + 50);
            await ProcessAsync(broker, queue, new() { MaxConcurrentCalls = 32, PrefetchCount = stop % 2 * 50 }, args =>
            {
                counts[NumberOf(args.Message)] = args.Message.DeliveryCount;
                return Task.CompletedTask;
            }, () => counts.Count >= goal);
        }
        Check.Sequence([1], counts.Values.Distinct(), "delivery counts");
        Check.Equal(0L, await broker.DeadLettersAsync(queue), "dead letters");
        var left = await broker.Client.CreateReceiver(queue).PeekMessagesAsync(250);
        Check.True(left.All(one => one.DeliveryCount == 0), "no message left has a failed delivery");
    }

    public async Task a_processor_receives_and_deletes(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 100);
        ConcurrentQueue<int> seen = new();
        await ProcessAsync(broker, queue, new() { ReceiveMode = ServiceBusReceiveMode.ReceiveAndDelete, MaxConcurrentCalls = 4 }, args =>
        {
            seen.Enqueue(NumberOf(args.Message));
            return Task.CompletedTask;
        }, () => seen.Count == 100);
        Check.Sequence(Enumerable.Range(0, 100), seen.Order(), "bodies");
        await CheckEmptyAsync(broker, queue);
    }

    public async Task a_processor_reads_dead_letters(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 1);
        var receiver = broker.Client.CreateReceiver(queue);
        await receiver.DeadLetterMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait), "reason", "description");
        ConcurrentQueue<string> reasons = new();
        await ProcessAsync(broker, queue, new() { SubQueue = SubQueue.DeadLetter }, args =>
        {
            reasons.Enqueue(args.Message.DeadLetterReason);
            return Task.CompletedTask;
        }, () => reasons.Count == 1);
        Check.Sequence(["reason"], reasons, "reasons");
    }

    public async Task a_processor_of_a_missing_queue_hears_that_it_is_missing(Broker broker)
    {
        ConcurrentQueue<Exception> errors = new();
        await ProcessAsync(broker, "missing-of-processor", new(), _ => Task.CompletedTask, () => errors.Count >= 2, errors);
        Check.True(errors.All(error => error is ServiceBusException { Reason: ServiceBusFailureReason.MessagingEntityNotFound }),
            $"every error is 'not found': {string.Join(" | ", errors.Select(error => error.Message).Distinct())}");
    }

    /// <summary>Runs a processor until a condition holds. Without a list for errors, an error other than the handler's fails the case.</summary>
    private static async Task ProcessAsync(Broker broker, string queue, ServiceBusProcessorOptions options,
        Func<ProcessMessageEventArgs, Task> handle, Func<bool> isDone, ConcurrentQueue<Exception>? expected = null)
    {
        ConcurrentQueue<Exception> errors = expected ?? new();
        await using var processor = broker.Client.CreateProcessor(queue, options);
        processor.ProcessMessageAsync += handle;
        processor.ProcessErrorAsync += args =>
        {
            if (args.ErrorSource != ServiceBusErrorSource.ProcessMessageCallback) errors.Enqueue(args.Exception);
            return Task.CompletedTask;
        };
        await processor.StartProcessingAsync();
        var latest = DateTimeOffset.UtcNow + 2 * Broker.LongWait;
        while (!isDone() && DateTimeOffset.UtcNow < latest) await Task.Delay(5);
        await processor.StopProcessingAsync();
        if (!isDone()) throw new CheckFailed("the processor did not finish in time");
        if (expected is null && errors.TryPeek(out var error)) throw new CheckFailed($"the processor had an error: {error}");
    }

    private static async Task CheckEmptyAsync(Broker broker, string queue) =>
        Check.Equal<ServiceBusReceivedMessage?>(null, await broker.Client.CreateReceiver(queue).PeekMessageAsync(), "message left");
}
