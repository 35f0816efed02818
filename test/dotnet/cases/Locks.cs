using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Locks : Group
{
    public async Task a_renewed_lock_ends_later(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 1);
        var receiver = broker.Client.CreateReceiver(queue);
        var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
        var before = message.LockedUntil;
        await Task.Delay(20);
        await receiver.RenewMessageLockAsync(message);
        Check.True(message.LockedUntil > before, "the lock ends later");
        await receiver.CompleteMessageAsync(message);
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.RenewMessageLockAsync(message));
    }

    public async Task two_hundred_locks_are_renewed_in_parallel(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 200);
        var receiver = broker.Client.CreateReceiver(queue);
        var messages = await ReceiveAsync(receiver, 200);
        var before = messages.ToDictionary(one => one.LockToken, one => one.LockedUntil);
        await Task.Delay(20);
        await Task.WhenAll(messages.Select(message => receiver.RenewMessageLockAsync(message)));
        Check.True(messages.All(one => one.LockedUntil > before[one.LockToken]), "every lock ends later");
        await Task.WhenAll(messages.Select(message => receiver.CompleteMessageAsync(message)));
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.PeekMessageAsync(), "message left");
    }

    public async Task an_ended_lock_is_lost_and_counts_as_a_delivery(Broker broker)
    {
        var queue = await ShortLockQueueAsync(broker);
        var receiver = broker.Client.CreateReceiver(queue);
        var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
        // The second receiver gets the message when the first lock has ended.
        var again = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(message.SequenceNumber, again.SequenceNumber, "sequence number");
        Check.Equal(2, again.DeliveryCount, "delivery count");
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.RenewMessageLockAsync(message));
        await Check.FailsAsync(ServiceBusFailureReason.MessageLockLost, () => receiver.CompleteMessageAsync(message));
    }

    public async Task locks_that_end_often_enough_make_a_dead_letter(Broker broker)
    {
        var queue = await ShortLockQueueAsync(broker, maxDeliveryCount: 1);
        await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        var dead = await Settling.DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("MaxDeliveryCountExceeded", dead.DeadLetterReason, "reason");
    }

    public async Task an_ended_lock_of_a_dead_letter_does_not_count(Broker broker)
    {
        var queue = await ShortLockQueueAsync(broker);
        var receiver = broker.Client.CreateReceiver(queue);
        await receiver.DeadLetterMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait));
        var first = await Settling.DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        var second = await Settling.DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(first.SequenceNumber, second.SequenceNumber, "sequence number");
        Check.Equal(first.DeliveryCount, second.DeliveryCount, "delivery count");
    }

    public async Task a_message_stays_locked_when_its_receiver_closes(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 1);
        var receiver = broker.Client.CreateReceiver(queue);
        var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
        await receiver.CloseAsync();
        var other = broker.Client.CreateReceiver(queue);
        Check.Equal<ServiceBusReceivedMessage?>(null, await other.ReceiveMessageAsync(Broker.ShortWait), "received twice");
        await other.RenewMessageLockAsync(message);
    }

    private static async Task<string> ShortLockQueueAsync(Broker broker, int maxDeliveryCount = 10)
    {
        var queue = await broker.NewQueueAsync(options =>
        {
            options.LockDuration = TimeSpan.FromSeconds(5);
            options.MaxDeliveryCount = maxDeliveryCount;
        });
        await SendAsync(broker, queue, 1);
        return queue;
    }
}
