using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Settling : Group
{
    public async Task a_completed_message_is_gone(Broker broker)
    {
        var (_, receiver, messages) = await ReceivedAsync(broker, 1);
        await receiver.CompleteMessageAsync(messages[0]);
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(), "message left");
    }

    public async Task an_abandoned_message_comes_back_with_a_higher_delivery_count(Broker broker)
    {
        var (_, receiver, messages) = await ReceivedAsync(broker, 1);
        await receiver.AbandonMessageAsync(messages[0]);
        var again = await receiver.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(2, again.DeliveryCount, "delivery count");
        Check.Equal(messages[0].SequenceNumber, again.SequenceNumber, "sequence number");
        Check.True(messages[0].LockToken != again.LockToken, "the lock is a new lock");
    }

    public async Task a_message_abandoned_too_often_is_a_dead_letter(Broker broker)
    {
        var (queue, receiver, messages) = await ReceivedAsync(broker, 1, options => options.MaxDeliveryCount = 3);
        await receiver.AbandonMessageAsync(messages[0]);
        for (var n = 2; n <= 3; n++) await receiver.AbandonMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait));
        var dead = await DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("MaxDeliveryCountExceeded", dead.DeadLetterReason, "reason");
        Check.Equal("Message could not be consumed after 3 delivery attempts.", dead.DeadLetterErrorDescription, "description");
        Check.Equal(0L, await receiver.PeekMessageAsync() is null ? 0L : 1L, "messages left");
    }

    public async Task a_dead_lettered_message_keeps_reason_and_description(Broker broker)
    {
        var (queue, receiver, messages) = await ReceivedAsync(broker, 5);
        await receiver.DeadLetterMessageAsync(messages[0]);
        await receiver.DeadLetterMessageAsync(messages[1], "reason", "description");
        await receiver.DeadLetterMessageAsync(messages[2], new Dictionary<string, object> { ["a"] = 1 });
        await receiver.DeadLetterMessageAsync(messages[3], new Dictionary<string, object> { ["a"] = 1 }, "reason", "description");
        await receiver.DeadLetterMessageAsync(messages[4], new Dictionary<string, object> { ["DeadLetterReason"] = "by property" });
        var dead = await ReceiveAsync(DeadReceiver(broker, queue), 5);
        Check.Sequence([null, "reason", null, "reason", "by property"], dead.Select(one => one.DeadLetterReason), "reasons");
        Check.Sequence([null, "description", null, "description", null], dead.Select(one => one.DeadLetterErrorDescription), "descriptions");
        Check.Sequence([false, false, true, true, false], dead.Select(one => one.ApplicationProperties.ContainsKey("a")), "with a property");
        Check.Sequence(Enumerable.Range(1, 5).Select(n => (long)n), dead.Select(one => one.SequenceNumber), "sequence numbers");
    }

    public async Task reason_and_description_have_up_to_4096_characters(Broker broker)
    {
        var (queue, receiver, messages) = await ReceivedAsync(broker, 1);
        var (longest, tooLong) = (new string('ß', 4096), new string('x', 4097));
        await Check.ThrowsAsync<ArgumentOutOfRangeException>(() => receiver.DeadLetterMessageAsync(messages[0], tooLong, "description"));
        await Check.ThrowsAsync<ArgumentOutOfRangeException>(() => receiver.DeadLetterMessageAsync(messages[0], "reason", tooLong));
        await receiver.DeadLetterMessageAsync(messages[0], longest, longest);
        var dead = await DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(longest, dead.DeadLetterReason, "reason");
        Check.Equal(longest, dead.DeadLetterErrorDescription, "description");
    }

    public async Task a_message_is_settled_by_another_receiver_after_its_own_has_closed(Broker broker)
    {
        var (queue, receiver, messages) = await ReceivedAsync(broker, 3);
        await receiver.CloseAsync();
        var other = broker.Client.CreateReceiver(queue);
        await other.CompleteMessageAsync(messages[0]);
        await other.AbandonMessageAsync(messages[1]);
        await other.DeadLetterMessageAsync(messages[2], "reason", "description");
        var again = await other.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(messages[1].SequenceNumber, again.SequenceNumber, "abandoned message");
        Check.Equal(2, again.DeliveryCount, "delivery count");
        Check.Equal("reason", (await DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait)).DeadLetterReason, "reason");
    }

    public async Task a_second_settlement_fails(Broker broker)
    {
        var (_, receiver, messages) = await ReceivedAsync(broker, 1);
        await receiver.CompleteMessageAsync(messages[0]);
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.CompleteMessageAsync(messages[0]), "The lock supplied is invalid");
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.AbandonMessageAsync(messages[0]));
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.DeadLetterMessageAsync(messages[0]));
    }

    public async Task parallel_settlements_each_have_their_own_outcome(Broker broker)
    {
        var (queue, receiver, messages) = await ReceivedAsync(broker, 600);
        await Task.WhenAll(messages.Select(message => (NumberOf(message) % 3) switch
        {
            0 => receiver.CompleteMessageAsync(message),
            1 => receiver.AbandonMessageAsync(message),
            _ => receiver.DeadLetterMessageAsync(message, "reason", "description"),
        }));
        var left = await ReceiveAsync(receiver, 200);
        Check.Sequence(Enumerable.Range(0, 600).Where(n => n % 3 == 1), left.Select(NumberOf), "abandoned messages");
        var dead = await ReceiveAsync(DeadReceiver(broker, queue), 200);
        Check.Sequence(Enumerable.Range(0, 600).Where(n => n % 3 == 2), dead.Select(NumberOf), "dead letters");
        var counts = (await broker.Admin.GetQueueRuntimePropertiesAsync(queue)).Value;
        Check.Equal(400L, counts.TotalMessageCount, "messages in all");
    }

    internal static ServiceBusReceiver DeadReceiver(Broker broker, string queue) =>
        broker.Client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });

    private static async Task<(string, ServiceBusReceiver, List<ServiceBusReceivedMessage>)> ReceivedAsync(
        Broker broker, int count, Action<Azure.Messaging.ServiceBus.Administration.CreateQueueOptions>? change = null)
    {
        var queue = await broker.NewQueueAsync(change);
        await SendAsync(broker, queue, count);
        var receiver = broker.Client.CreateReceiver(queue);
        return (queue, receiver, await ReceiveAsync(receiver, count));
    }
}
