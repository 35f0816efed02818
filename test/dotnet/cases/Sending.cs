using Azure.Core.Amqp;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Sending : Group
{
    public async Task one_message_arrives_with_every_property(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        ServiceBusMessage message = new("grüße 🌍")
        {
            MessageId = "id",
            ContentType = "text/plain",
            CorrelationId = "correlation",
            Subject = "subject",
            To = "to",
            ReplyTo = "reply-to",
            ReplyToSessionId = "reply-to-session",
            PartitionKey = "partition",
            TimeToLive = TimeSpan.FromMinutes(5),
        };
        await broker.Client.CreateSender(queue).SendMessageAsync(message);
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("grüße 🌍", received.Body.ToString(), "body");
        Check.Equal(message.MessageId, received.MessageId, "message id");
        Check.Equal(message.ContentType, received.ContentType, "content type");
        Check.Equal(message.CorrelationId, received.CorrelationId, "correlation id");
        Check.Equal(message.Subject, received.Subject, "subject");
        Check.Equal(message.To, received.To, "to");
        Check.Equal(message.ReplyTo, received.ReplyTo, "reply to");
        Check.Equal(message.ReplyToSessionId, received.ReplyToSessionId, "reply to session id");
        Check.Equal(message.PartitionKey, received.PartitionKey, "partition key");
        Check.Equal(message.TimeToLive, received.TimeToLive, "time to live");
        Check.Equal(1, received.DeliveryCount, "delivery count");
        Check.Equal(1L, received.SequenceNumber, "sequence number");
        Check.Equal(1L, received.EnqueuedSequenceNumber, "enqueued sequence number");
        Check.Equal(ServiceBusMessageState.Active, received.State, "state");
        Check.True(received.LockedUntil > DateTimeOffset.UtcNow, "locked until lies in the future");
        Check.True(Guid.TryParse(received.LockToken, out _), "the lock token is a GUID");
    }

    public async Task a_message_without_an_id_gets_an_id(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("b"));
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.True(!string.IsNullOrEmpty(received.MessageId), "message id");
        Check.Equal(TimeSpan.MaxValue, received.TimeToLive, "time to live");
    }

    public async Task a_list_of_messages_arrives_in_order(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 500);
        var received = await ReceiveAsync(broker.Client.CreateReceiver(queue), 500);
        Check.Sequence(Enumerable.Range(0, 500), received.Select(NumberOf), "bodies");
        Check.Sequence(Enumerable.Range(1, 500), received.Select(one => (int)one.SequenceNumber), "sequence numbers");
    }

    public async Task a_batch_takes_messages_until_the_limit_of_the_link(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        using var batch = await sender.CreateMessageBatchAsync();
        Check.Equal(262_144L, batch.MaxSizeInBytes, "largest size of a batch");
        while (batch.TryAddMessage(new ServiceBusMessage(new byte[10_000]))) { }
        Check.Equal(26, batch.Count, "messages in the batch");
        await sender.SendMessagesAsync(batch);
        await ReceiveAsync(broker.Client.CreateReceiver(queue), 26);
    }

    public async Task a_message_of_the_largest_size_is_sent_and_received(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        using var batch = await sender.CreateMessageBatchAsync();
        // The broker adds annotations to a delivery, so the delivery is larger than the largest message.
        var size = 262_144 - 40;
        ServiceBusMessage message = new(new byte[size]) { MessageId = "full" };
        await sender.SendMessageAsync(message);
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(size, received.Body.ToMemory().Length, "size of the body");
    }

    public async Task a_thousand_parallel_sends_all_arrive(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(n => sender.SendMessageAsync(new ServiceBusMessage(n.ToString()))));
        var received = await ReceiveAsync(broker.Client.CreateReceiver(queue), 1000);
        Check.Sequence(Enumerable.Range(0, 1000), received.Select(NumberOf).Order(), "bodies");
    }

    public async Task a_duplicate_is_accepted_and_dropped(Broker broker)
    {
        var queue = await broker.NewQueueAsync(options =>
        {
            options.RequiresDuplicateDetection = true;
            options.DuplicateDetectionHistoryTimeWindow = TimeSpan.FromMinutes(1);
        });
        var sender = broker.Client.CreateSender(queue);
        foreach (var body in new[] { "first", "second" })
            await sender.SendMessageAsync(new ServiceBusMessage(body) { MessageId = "same" });
        var peeked = await broker.Client.CreateReceiver(queue).PeekMessagesAsync(5);
        Check.Sequence(["first"], peeked.Select(one => one.Body.ToString()), "messages");
    }

    public async Task a_message_with_a_session_id_keeps_the_id_in_a_queue_without_sessions(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("b") { SessionId = "s" });
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("s", received.SessionId, "session id");
    }

    public async Task values_and_sequences_arrive_as_bodies(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        AmqpAnnotatedMessage value = new(AmqpMessageBody.FromValue(42L));
        AmqpAnnotatedMessage sequence = new(AmqpMessageBody.FromSequence([["one", 2]]));
        await sender.SendMessageAsync(new ServiceBusMessage(value));
        await sender.SendMessageAsync(new ServiceBusMessage(sequence));
        await sender.SendMessageAsync(new ServiceBusMessage());
        var received = await ReceiveAsync(broker.Client.CreateReceiver(queue), 3);
        received[0].GetRawAmqpMessage().Body.TryGetValue(out var gotValue);
        received[1].GetRawAmqpMessage().Body.TryGetSequence(out var gotSequence);
        Check.Equal<object?>(42L, gotValue, "value");
        Check.Sequence<object>(["one", 2], gotSequence!.Single(), "sequence");
        Check.Equal(0, received[2].Body.ToMemory().Length, "size of an empty body");
    }

    public async Task every_section_of_an_annotated_message_is_kept(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        AmqpAnnotatedMessage sent = new(AmqpMessageBody.FromData([new byte[] { 1 }, new byte[] { 2, 3 }]));
        sent.Header.Durable = true;
        sent.Header.Priority = 7;
        sent.Header.FirstAcquirer = true;
        sent.Properties.ContentEncoding = "gzip";
        sent.Properties.GroupSequence = 3;
        sent.MessageAnnotations["mine"] = "kept";
        sent.DeliveryAnnotations["hop"] = "kept";
        sent.Footer["checksum"] = "f00";
        await broker.Client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage(sent));
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        var raw = received.GetRawAmqpMessage();
        raw.Body.TryGetData(out var data);
        Check.Sequence([1, 2], data!.Select(part => part.Length), "sizes of the data sections");
        Check.Equal<byte?>(7, raw.Header.Priority, "priority");
        Check.Equal(true, raw.Header.Durable, "durable");
        Check.Equal(true, raw.Header.FirstAcquirer, "first acquirer");
        Check.Equal("gzip", raw.Properties.ContentEncoding, "content encoding");
        Check.Equal<uint?>(3u, raw.Properties.GroupSequence, "group sequence");
        Check.Equal("kept", raw.MessageAnnotations["mine"], "message annotation");
        Check.Equal("kept", raw.DeliveryAnnotations["hop"], "delivery annotation");
        Check.Equal("f00", raw.Footer["checksum"], "footer");
    }

    public async Task a_received_message_that_is_sent_again_is_a_new_message(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        var receiver = broker.Client.CreateReceiver(queue);
        await sender.SendMessageAsync(new ServiceBusMessage("b") { ApplicationProperties = { ["a"] = 1 } });
        var first = await receiver.ReceiveMessageAsync(Broker.LongWait);
        await receiver.AbandonMessageAsync(first);
        first = await receiver.ReceiveMessageAsync(Broker.LongWait);
        await sender.SendMessageAsync(new ServiceBusMessage(first));
        await receiver.CompleteMessageAsync(first);
        var second = await receiver.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(1, second.DeliveryCount, "delivery count");
        Check.Equal(2L, second.SequenceNumber, "sequence number");
        Check.Equal<object>(1, second.ApplicationProperties["a"], "application property");
    }
}
