using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

/// <summary>Application properties of every type, through every operation that rewrites them.</summary>
public sealed class Properties : Group
{
    private static readonly Dictionary<string, object> EveryType = new()
    {
        ["bool"] = true,
        ["byte"] = (byte)200,
        ["sbyte"] = (sbyte)-100,
        ["short"] = (short)-30_000,
        ["ushort"] = (ushort)60_000,
        ["int"] = -2_000_000_000,
        ["uint"] = 4_000_000_000,
        ["long"] = long.MinValue + 1,
        ["small long"] = 5L,
        ["ulong"] = ulong.MaxValue - 1,
        ["float"] = 1.5f,
        ["double"] = 3d,
        ["fraction"] = Math.PI,
        ["decimal"] = 12345.678901234567890m,
        ["char"] = 'ß',
        ["Guid"] = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
        ["DateTime"] = new DateTime(2026, 11, 26, 12, 30, 15, 123, DateTimeKind.Utc),
        ["DateTimeOffset"] = new DateTimeOffset(2026, 11, 26, 12, 30, 15, TimeSpan.Zero),
        ["TimeSpan"] = TimeSpan.FromTicks(123_456_789),
        ["Uri"] = new Uri("https://example.com/a?b=c"),
        ["string"] = "grüße 🌍",
        ["long string"] = new string('x', 1000),
        ["empty"] = "",
    };

    private static void CheckEveryType(ServiceBusReceivedMessage message)
    {
        foreach (var (key, value) in EveryType)
        {
            Check.True(message.ApplicationProperties.ContainsKey(key), $"has the property {key}");
            Check.Equal(value, message.ApplicationProperties[key], key);
        }
    }

    public async Task every_type_is_kept_by_sending(Broker broker)
    {
        var (_, receiver, message) = await SentAsync(broker, withProperties: true);
        CheckEveryType(message);
        await receiver.DeadLetterMessageAsync(message, "reason", "description");
        CheckEveryType(await NextDeadLetterAsync(broker, receiver.EntityPath));
    }

    public async Task every_type_is_kept_by_abandoning(Broker broker)
    {
        var (_, receiver, message) = await SentAsync(broker);
        await receiver.AbandonMessageAsync(message, EveryType);
        CheckEveryType(await receiver.ReceiveMessageAsync(Broker.LongWait));
    }

    public async Task every_type_is_kept_by_dead_lettering(Broker broker)
    {
        var (queue, receiver, message) = await SentAsync(broker);
        await receiver.DeadLetterMessageAsync(message, EveryType, "reason", "description");
        var dead = await NextDeadLetterAsync(broker, queue);
        CheckEveryType(dead);
        Check.Equal("reason", dead.DeadLetterReason, "reason");
        Check.Equal("description", dead.DeadLetterErrorDescription, "description");
    }

    public async Task every_type_is_kept_by_abandoning_over_the_management_link(Broker broker)
    {
        var (queue, receiver, message) = await SentAsync(broker);
        await receiver.CloseAsync();
        var other = broker.Client.CreateReceiver(queue);
        await other.AbandonMessageAsync(message, EveryType);
        CheckEveryType(await other.ReceiveMessageAsync(Broker.LongWait));
    }

    public async Task every_type_is_kept_by_dead_lettering_over_the_management_link(Broker broker)
    {
        var (queue, receiver, message) = await SentAsync(broker);
        await receiver.CloseAsync();
        var other = broker.Client.CreateReceiver(queue);
        await other.DeadLetterMessageAsync(message, EveryType, "reason", "description");
        var dead = await NextDeadLetterAsync(broker, queue);
        CheckEveryType(dead);
        Check.Equal("reason", dead.DeadLetterReason, "reason");
        Check.Equal("description", dead.DeadLetterErrorDescription, "description");
    }

    public async Task a_changed_property_replaces_the_sent_property(Broker broker)
    {
        var (_, receiver, message) = await SentAsync(broker, withProperties: true);
        await receiver.AbandonMessageAsync(message, new Dictionary<string, object> { ["int"] = "text", ["new"] = 1L });
        var again = await receiver.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("text", again.ApplicationProperties["int"], "replaced property");
        Check.Equal(1L, again.ApplicationProperties["new"], "new property");
        Check.Equal(EveryType["Guid"], again.ApplicationProperties["Guid"], "kept property");
        Check.Equal(EveryType.Count + 1, again.ApplicationProperties.Count, "number of properties");
    }

    public async Task sixty_kilobytes_of_properties_are_kept(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var message = Large(count: 3, each: 20_000);
        await broker.Client.CreateSender(queue).SendMessageAsync(message);
        var received = await broker.Client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait);
        Check.Equal(60_000, received.ApplicationProperties.Values.Sum(value => ((string)value).Length), "size of all values");
    }

    public async Task more_than_64_kilobytes_of_properties_are_refused(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        const string text = "The size quota for this stream (65536) has been exceeded";
        await Check.FailsAsync(ServiceBusFailureReason.MessageSizeExceeded, () => sender.SendMessageAsync(Large(count: 7, each: 10_000)), text);
        await Check.FailsAsync(ServiceBusFailureReason.MessageSizeExceeded,
            () => sender.ScheduleMessageAsync(Large(count: 7, each: 10_000), DateTimeOffset.UtcNow.AddHours(1)), text);
        await sender.SendMessageAsync(new ServiceBusMessage("the sender works again"));
    }

    public async Task a_property_of_more_than_32_kilobytes_is_refused(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        await Check.FailsAsync(ServiceBusFailureReason.GeneralError, () => sender.SendMessageAsync(Large(count: 1, each: 33_000)));
        await sender.SendMessageAsync(Large(count: 1, each: 32_000));
    }

    private static ServiceBusMessage Large(int count, int each)
    {
        ServiceBusMessage message = new("b");
        for (var n = 0; n < count; n++) message.ApplicationProperties[$"p{n}"] = new string('x', each);
        return message;
    }

    private static async Task<(string, ServiceBusReceiver, ServiceBusReceivedMessage)> SentAsync(Broker broker, bool withProperties = false)
    {
        var queue = await broker.NewQueueAsync();
        ServiceBusMessage message = new("b");
        if (withProperties) foreach (var (key, value) in EveryType) message.ApplicationProperties[key] = value;
        await broker.Client.CreateSender(queue).SendMessageAsync(message);
        var receiver = broker.Client.CreateReceiver(queue);
        return (queue, receiver, await receiver.ReceiveMessageAsync(Broker.LongWait));
    }

    private static async Task<ServiceBusReceivedMessage> NextDeadLetterAsync(Broker broker, string queue) =>
        await broker.Client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter })
            .ReceiveMessageAsync(Broker.LongWait);
}
