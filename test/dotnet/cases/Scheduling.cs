using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Scheduling : Group
{
    private static DateTimeOffset Later => DateTimeOffset.UtcNow.AddHours(1);

    public async Task a_scheduled_message_shows_its_state_and_time(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var time = Later;
        var number = await broker.Client.CreateSender(queue).ScheduleMessageAsync(new ServiceBusMessage("b"), time);
        var receiver = broker.Client.CreateReceiver(queue);
        var peeked = await receiver.PeekMessageAsync();
        Check.Equal(number, peeked.SequenceNumber, "sequence number");
        Check.Equal(ServiceBusMessageState.Scheduled, peeked.State, "state");
        Check.Equal(time.ToUnixTimeMilliseconds(), peeked.ScheduledEnqueueTime.ToUnixTimeMilliseconds(), "scheduled time");
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.ReceiveMessageAsync(Broker.ShortWait), "received early");
    }

    public async Task a_scheduled_message_gets_a_new_sequence_number_when_it_becomes_active(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var number = await sender.ScheduleMessageAsync(new ServiceBusMessage("b"), DateTimeOffset.UtcNow.AddSeconds(1));
        var active = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.True(active.SequenceNumber > number, "the sequence number is a new number");
        Check.Equal(number, active.EnqueuedSequenceNumber, "enqueued sequence number");
        Check.Equal(ServiceBusMessageState.Active, active.State, "state");
        Check.True(active.EnqueuedTime >= active.ScheduledEnqueueTime, "enqueued at the scheduled time or later");
    }

    public async Task messages_are_scheduled_together_and_cancelled_together(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var numbers = await sender.ScheduleMessagesAsync(Enumerable.Range(0, 10).Select(n => new ServiceBusMessage(n.ToString())), Later);
        Check.Sequence(Enumerable.Range(1, 10).Select(n => (long)n), numbers, "sequence numbers");
        await sender.CancelScheduledMessagesAsync(numbers.Take(4));
        await sender.CancelScheduledMessageAsync(numbers[9]);
        var left = await broker.Client.CreateReceiver(queue).PeekMessagesAsync(20);
        Check.Sequence(Enumerable.Range(4, 5), left.Select(NumberOf), "messages left");
    }

    public async Task a_hundred_parallel_requests_each_get_their_own_answer(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var numbers = await Task.WhenAll(Enumerable.Range(0, 100)
            .Select(n => sender.ScheduleMessageAsync(new ServiceBusMessage(n.ToString()), Later)));
        var peeked = await broker.Client.CreateReceiver(queue).PeekMessagesAsync(200);
        Check.Equal(100, peeked.Count, "messages");
        foreach (var one in peeked) Check.Equal(one.SequenceNumber, numbers[NumberOf(one)], "sequence number");
        await Task.WhenAll(numbers.Select(number => sender.CancelScheduledMessageAsync(number)));
        Check.Equal<ServiceBusReceivedMessage?>(null, await broker.Client.CreateReceiver(queue).PeekMessageAsync(), "message left");
    }

    public async Task a_message_that_is_not_scheduled_cannot_be_cancelled(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var number = await sender.ScheduleMessageAsync(new ServiceBusMessage("b"), Later);
        await Check.FailsAsync(ServiceBusFailureReason.MessageNotFound, () => sender.CancelScheduledMessageAsync(99));
        await sender.CancelScheduledMessageAsync(number);
        await Check.FailsAsync(ServiceBusFailureReason.MessageNotFound, () => sender.CancelScheduledMessageAsync(number));
    }

    public async Task a_cancellation_of_several_cancels_all_or_none(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var number = await sender.ScheduleMessageAsync(new ServiceBusMessage("b"), Later);
        await Check.FailsAsync(ServiceBusFailureReason.MessageNotFound, () => sender.CancelScheduledMessagesAsync([number, 99]));
        Check.Equal(number, (await broker.Client.CreateReceiver(queue).PeekMessageAsync()).SequenceNumber, "message left");
    }

    public async Task a_sent_message_with_a_time_is_scheduled(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        using var batch = await sender.CreateMessageBatchAsync();
        batch.TryAddMessage(new ServiceBusMessage("late") { ScheduledEnqueueTime = Later });
        batch.TryAddMessage(new ServiceBusMessage("now"));
        await sender.SendMessagesAsync(batch);
        var receiver = broker.Client.CreateReceiver(queue);
        Check.Equal("now", (await receiver.ReceiveMessageAsync(Broker.LongWait)).Body.ToString(), "received message");
        Check.Equal<ServiceBusReceivedMessage?>(null, await receiver.ReceiveMessageAsync(Broker.ShortWait), "received early");
    }

    public async Task a_time_in_the_past_means_now(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await broker.Client.CreateSender(queue).ScheduleMessageAsync(new ServiceBusMessage("b"), DateTimeOffset.UtcNow.AddHours(-1));
        Check.True(await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait) is not null, "received");
    }

    public async Task messages_that_are_together_too_large_are_refused(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var messages = Enumerable.Range(0, 30).Select(_ => new ServiceBusMessage(new byte[10_000]));
        await Check.FailsAsync(ServiceBusFailureReason.MessageSizeExceeded, () => sender.ScheduleMessagesAsync(messages, Later));
        Check.Equal<ServiceBusReceivedMessage?>(null, await broker.Client.CreateReceiver(queue).PeekMessageAsync(), "message left");
    }
}
