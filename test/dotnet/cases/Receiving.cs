using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Receiving : Group
{
    private static ServiceBusReceiver NewReceiver(Broker broker, string queue, int prefetch = 0, ServiceBusReceiveMode mode = ServiceBusReceiveMode.PeekLock) =>
        broker.Client.CreateReceiver(queue, new ServiceBusReceiverOptions { PrefetchCount = prefetch, ReceiveMode = mode });

    public async Task peek_pages_through_all_messages_and_locks_none(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 300);
        var locked = await ReceiveAsync(NewReceiver(broker, queue), 2);
        var receiver = NewReceiver(broker, queue);
        List<ServiceBusReceivedMessage> peeked = [];
        while (await receiver.PeekMessagesAsync(100) is { Count: > 0 } page) peeked.AddRange(page);
        Check.Sequence(Enumerable.Range(0, 300), peeked.Select(NumberOf), "bodies");
        Check.Equal(0, peeked[5].DeliveryCount, "delivery count of a peeked message");
        var from = await receiver.PeekMessagesAsync(2, fromSequenceNumber: 10);
        Check.Sequence([10L, 11L], from.Select(one => one.SequenceNumber), "sequence numbers");
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(fromSequenceNumber: 1000), "message behind the last");
        Check.Sequence([0, 1], locked.Select(NumberOf), "locked messages");
    }

    public async Task an_empty_queue_gives_nothing_within_the_time(Broker broker)
    {
        var receiver = NewReceiver(broker, await broker.NewQueueAsync());
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.ReceiveMessageAsync(Broker.ShortWait), "message");
        Check.Equal(0, (await receiver.ReceiveMessagesAsync(10, Broker.ShortWait)).Count, "messages");
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(), "peeked message");
    }

    public async Task a_waiting_receiver_gets_a_late_message(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var waiting = NewReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        await SendAsync(broker, queue, 1);
        Check.True(await waiting is not null, "received");
    }

    public async Task receive_and_delete_leaves_nothing(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 3);
        var receiver = NewReceiver(broker, queue, mode: ServiceBusReceiveMode.ReceiveAndDelete);
        List<ServiceBusReceivedMessage> received = [];
        for (var n = 0; n < 2; n++) received.Add(await receiver.ReceiveMessageAsync(Broker.LongWait));
        Check.Sequence([0, 1], received.Select(NumberOf), "bodies");
        await Check.ThrowsAsync<InvalidOperationException>(() => receiver.CompleteMessageAsync(received[0]));
        Check.Sequence([2], (await NewReceiver(broker, queue).PeekMessagesAsync(5)).Select(NumberOf), "messages left");
    }

    public async Task the_async_stream_goes_through_the_queue(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 5);
        var receiver = NewReceiver(broker, queue);
        List<int> seen = [];
        await foreach (var message in receiver.ReceiveMessagesAsync())
        {
            seen.Add(NumberOf(message));
            await receiver.CompleteMessageAsync(message);
            if (seen.Count == 5) break;
        }
        Check.Sequence(Enumerable.Range(0, 5), seen, "bodies");
    }

    public async Task two_receivers_never_hold_the_same_message(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 100);
        var halves = await Task.WhenAll(ReceiveAsync(NewReceiver(broker, queue), 50), ReceiveAsync(NewReceiver(broker, queue), 50));
        Check.Equal(100, halves.SelectMany(half => half).Select(NumberOf).Distinct().Count(), "different messages");
    }

    public async Task prefetched_messages_are_received_and_settled(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 200);
        var receiver = NewReceiver(broker, queue, prefetch: 50);
        for (var n = 0; n < 200; n++) await receiver.CompleteMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait));
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(), "message left");
    }

    public async Task a_cancelled_receive_costs_no_delivery(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var receiver = NewReceiver(broker, queue);
        for (var n = 0; n < 12; n++)
        {
            using CancellationTokenSource cancel = new();
            var waiting = receiver.ReceiveMessageAsync(Broker.LongWait, cancel.Token);
            if (n == 0) await receiver.PeekMessageAsync();
            cancel.Cancel();
            await Check.ThrowsAsync<TaskCanceledException>(() => waiting);
        }
        await SendAsync(broker, queue, 1);
        Check.Equal(1, (await receiver.ReceiveMessageAsync(Broker.LongWait)).DeliveryCount, "delivery count");
    }


    public async Task closing_a_receiver_with_prefetched_messages_costs_no_delivery(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 100);
        for (var n = 0; n < 12; n++)
        {
            await using var receiver = NewReceiver(broker, queue, prefetch: 100);
            var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
            await receiver.CompleteMessageAsync(message);
        }
        // Messages that the client held at the close stay locked or come back; none has a failed delivery.
        var left = await NewReceiver(broker, queue).PeekMessagesAsync(200);
        Check.Sequence([0], left.Select(one => one.DeliveryCount).Distinct(), "delivery counts");
        Check.Equal(0L, await broker.DeadLettersAsync(queue), "dead letters");
    }

    public async Task ten_thousand_messages_are_held_unsettled_by_one_receiver(Broker broker)
    {
        const int count = 10_000;
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, count);
        var receiver = NewReceiver(broker, queue);
        var held = await ReceiveAsync(receiver, count);
        Check.Sequence(Enumerable.Range(0, count), held.Select(NumberOf), "bodies");
        Check.Sequence([1], held.Select(one => one.DeliveryCount).Distinct(), "delivery counts");
        foreach (var part in held.Chunk(500)) await Task.WhenAll(part.Select(one => receiver.CompleteMessageAsync(one)));
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(), "message left");
    }
}
