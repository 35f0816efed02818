using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class DeadLetters : Group
{
    public async Task a_dead_letter_is_read_peeked_and_completed(Broker broker)
    {
        var (queue, dead) = await DeadLetterAsync(broker);
        var peeked = await dead.PeekMessageAsync();
        Check.Equal("reason", peeked.DeadLetterReason, "reason of the peeked message");
        var received = await dead.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("description", received.DeadLetterErrorDescription, "description");
        Check.Equal<string?>(null, received.DeadLetterSource, "source");
        await dead.CompleteMessageAsync(received);
        Check.Equal(0L, await broker.DeadLettersAsync(queue), "dead letters");
    }

    public async Task a_dead_letter_is_sent_again(Broker broker)
    {
        var (queue, dead) = await DeadLetterAsync(broker);
        var received = await dead.ReceiveMessageAsync(Broker.LongWait);
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage(received));
        await dead.CompleteMessageAsync(received);
        var again = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(received.MessageId, again.MessageId, "message id");
        Check.Equal(1, again.DeliveryCount, "delivery count");
        Check.Equal<string?>(null, again.DeadLetterReason, "reason");
        Check.Equal<object>(7, again.ApplicationProperties["mine"], "application property");
        Check.True(again.SequenceNumber > received.SequenceNumber, "the sequence number is a new number");
    }

    public async Task abandoning_a_dead_letter_does_not_count(Broker broker)
    {
        var (_, dead) = await DeadLetterAsync(broker, maxDeliveryCount: 2);
        for (var n = 0; n < 4; n++)
        {
            var received = await dead.ReceiveMessageAsync(Broker.LongWait);
            Check.Equal(1, received.DeliveryCount, "delivery count");
            await dead.AbandonMessageAsync(received);
        }
    }

    public async Task a_dead_letter_cannot_be_dead_lettered(Broker broker)
    {
        var (_, dead) = await DeadLetterAsync(broker);
        var received = await dead.ReceiveMessageAsync(Broker.LongWait);
        await Check.ThrowsAsync<InvalidOperationException>(() => dead.DeadLetterMessageAsync(received));
    }

    public async Task an_expired_message_becomes_a_dead_letter_if_the_queue_wants_it(Broker broker)
    {
        var queue = await broker.NewQueueAsync(options => options.DeadLetteringOnMessageExpiration = true);
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("b") { TimeToLive = TimeSpan.FromMilliseconds(500) });
        var dead = await Settling.DeadReceiver(broker, queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("TTLExpiredException", dead.DeadLetterReason, "reason");
        Check.Equal("The message expired and was dead lettered.", dead.DeadLetterErrorDescription, "description");
    }

    public async Task the_time_to_live_of_the_queue_caps_and_shows(Broker broker)
    {
        var day = TimeSpan.FromDays(1);
        var queue = await broker.NewQueueAsync(options => options.DefaultMessageTimeToLive = day);
        var sender = broker.Client.CreateSender(queue);
        foreach (var life in new TimeSpan?[] { null, TimeSpan.FromDays(2), TimeSpan.FromDays(60), TimeSpan.FromHours(1) })
        {
            ServiceBusMessage message = new("b");
            if (life is { } given) message.TimeToLive = given;
            await sender.SendMessageAsync(message);
        }
        var received = await ReceiveAsync(broker.Client.CreateReceiver(queue), 4);
        Check.Sequence([day, day, day, TimeSpan.FromHours(1)], received.Select(one => one.TimeToLive), "times to live");
        foreach (var one in received)
            Check.True((one.ExpiresAt - one.EnqueuedTime - one.TimeToLive).Duration() < TimeSpan.FromMinutes(1), "expires after the time to live");
    }

    public async Task a_source_that_the_sender_names_is_not_believed(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        ServiceBusMessage message = new("b");
        message.GetRawAmqpMessage().MessageAnnotations["x-opt-deadletter-source"] = "made-up";
        await broker.Client.CreateSender(queue).SendMessageAsync(message);
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal<string?>(null, received.DeadLetterSource, "source");
    }

    public async Task nothing_can_be_sent_to_a_dead_letter_queue(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await Check.ThrowsAsync<Exception>(() => broker.Client.CreateSender($"{queue}/$DeadLetterQueue").SendMessageAsync(new ServiceBusMessage("b")), "dead-letter queue");
    }

    public async Task a_dead_letter_queue_is_also_an_address(Broker broker)
    {
        var (queue, _) = await DeadLetterAsync(broker);
        var received = await broker.Client.CreateReceiver($"{queue}/$DeadLetterQueue").ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("reason", received.DeadLetterReason, "reason");
    }

    private static async Task<(string Queue, ServiceBusReceiver Dead)> DeadLetterAsync(Broker broker, int maxDeliveryCount = 10)
    {
        var queue = await broker.NewQueueAsync(options => options.MaxDeliveryCount = maxDeliveryCount);
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("b") { ApplicationProperties = { ["mine"] = 7 } });
        var receiver = broker.Client.CreateReceiver(queue);
        await receiver.DeadLetterMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait), "reason", "description");
        return (queue, Settling.DeadReceiver(broker, queue));
    }
}
