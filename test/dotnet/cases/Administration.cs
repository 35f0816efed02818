using Azure.Core.Pipeline;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace ServiceBusCases.Cases;

public sealed class Administration : Group
{
    public async Task a_queue_is_created_read_changed_listed_and_deleted(Broker broker)
    {
        var queue = await broker.NewQueueAsync(options =>
        {
            options.LockDuration = TimeSpan.FromSeconds(30);
            options.MaxDeliveryCount = 3;
            options.DefaultMessageTimeToLive = TimeSpan.FromDays(1);
            options.DeadLetteringOnMessageExpiration = true;
            options.RequiresDuplicateDetection = true;
            options.DuplicateDetectionHistoryTimeWindow = TimeSpan.FromMinutes(2);
            options.MaxSizeInMegabytes = 2048;
        });
        QueueProperties properties = await broker.Admin.GetQueueAsync(queue);
        Check.Equal(TimeSpan.FromSeconds(30), properties.LockDuration, "lock duration");
        Check.Equal(3, properties.MaxDeliveryCount, "most deliveries");
        Check.Equal(TimeSpan.FromDays(1), properties.DefaultMessageTimeToLive, "time to live");
        Check.Equal(true, properties.DeadLetteringOnMessageExpiration, "dead-lettering of expired messages");
        Check.Equal(true, properties.RequiresDuplicateDetection, "duplicate detection");
        Check.Equal(TimeSpan.FromMinutes(2), properties.DuplicateDetectionHistoryTimeWindow, "window");
        Check.Equal(2048L, properties.MaxSizeInMegabytes, "size");
        Check.Equal(EntityStatus.Active, properties.Status, "status");
        properties.MaxDeliveryCount = 5;
        QueueProperties changed = await broker.Admin.UpdateQueueAsync(properties);
        Check.Equal(5, changed.MaxDeliveryCount, "most deliveries");
        Check.Equal(TimeSpan.FromSeconds(30), changed.LockDuration, "lock duration");
        List<string> names = [];
        await foreach (var one in broker.Admin.GetQueuesAsync()) names.Add(one.Name);
        Check.True(names.Contains(queue), "the list contains the queue");
        Check.True(await broker.Admin.QueueExistsAsync(queue), "exists");
        await broker.Admin.DeleteQueueAsync(queue);
        Check.True(!await broker.Admin.QueueExistsAsync(queue), "does not exist");
    }

    public async Task the_messages_of_a_queue_are_counted(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 3);
        var sender = broker.Client.CreateSender(queue);
        await sender.ScheduleMessageAsync(new ServiceBusMessage("b"), DateTimeOffset.UtcNow.AddHours(1));
        var receiver = broker.Client.CreateReceiver(queue);
        await receiver.DeadLetterMessageAsync(await receiver.ReceiveMessageAsync(Broker.LongWait));
        QueueRuntimeProperties counts = await broker.Admin.GetQueueRuntimePropertiesAsync(queue);
        Check.Equal(2L, counts.ActiveMessageCount, "active messages");
        Check.Equal(1L, counts.ScheduledMessageCount, "scheduled messages");
        Check.Equal(1L, counts.DeadLetterMessageCount, "dead letters");
        Check.Equal(4L, counts.TotalMessageCount, "messages in all");
        Check.True(counts.SizeInBytes > 0, "has a size");
    }

    public async Task a_second_queue_of_the_same_name_is_a_conflict(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await Check.FailsAsync(ServiceBusFailureReason.MessagingEntityAlreadyExists, () => broker.Admin.CreateQueueAsync(queue), "SubCode=40900. Conflict.");
    }

    public async Task a_missing_queue_is_not_found(Broker broker)
    {
        const ServiceBusFailureReason reason = ServiceBusFailureReason.MessagingEntityNotFound;
        await Check.FailsAsync(reason, () => broker.Admin.GetQueueAsync("nowhere"));
        await Check.FailsAsync(reason, () => broker.Admin.GetQueueRuntimePropertiesAsync("nowhere"));
        await Check.FailsAsync(reason, () => broker.Admin.DeleteQueueAsync("nowhere"), "SubCode=40400. The messaging entity");
        QueueProperties properties = await broker.Admin.GetQueueAsync(await broker.NewQueueAsync());
        await broker.Admin.DeleteQueueAsync(properties.Name);
        await Check.FailsAsync(reason, () => broker.Admin.UpdateQueueAsync(properties), "SubCode=40400. The messaging entity");
    }

    public async Task values_outside_the_limits_are_refused(Broker broker)
    {
        await Check.ThrowsAsync<ArgumentException>(() => broker.NewQueueAsync(options => options.MaxSizeInMegabytes = 100),
            "SubCode=40000. The specified value 100 is invalid. The property MaxSizeInMegabytes, must be one of the following values: 1024;2048;3072;4096;5120.");
        await Check.ThrowsAsync<ArgumentException>(() => broker.NewQueueAsync(options => options.MaxDeliveryCount = 5000), "SubCode=40000.");
    }

    public async Task unsupported_properties_are_refused_by_name(Broker broker)
    {
        await RefusedAsync("RequiresSession", options => options.RequiresSession = true);
        await RefusedAsync("ForwardTo", options => options.ForwardTo = "other");
        await RefusedAsync("EnablePartitioning", options => options.EnablePartitioning = true);
        await RefusedAsync("AutoDeleteOnIdle", options => options.AutoDeleteOnIdle = TimeSpan.FromHours(1));

        Task RefusedAsync(string property, Action<CreateQueueOptions> change) => Check.ThrowsAsync<ArgumentException>(
            () => broker.NewQueueAsync(change), $"Not supported by the local broker: {property}");
    }

    public async Task topics_subscriptions_and_rules_are_refused_by_name(Broker broker)
    {
        await Check.ThrowsAsync<ArgumentException>(() => broker.Admin.CreateTopicAsync("t"), "Not supported by the local broker: topics");
        await Check.ThrowsAsync<ArgumentException>(() => broker.Admin.CreateSubscriptionAsync("t", "s"), "Not supported by the local broker: topics");
    }

    public async Task the_namespace_has_properties(Broker broker)
    {
        NamespaceProperties properties = await broker.Admin.GetNamespacePropertiesAsync();
        Check.Equal(MessagingSku.Standard, properties.MessagingSku, "tier");
    }

    public async Task the_same_port_serves_https(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        // The certificate is the broker's own. Without the emulator's flag, the client uses HTTPS.
        using HttpClientHandler handler = new() { ServerCertificateCustomValidationCallback = (_, _, _, _) => true };
        ServiceBusAdministrationClientOptions options = new() { Transport = new HttpClientTransport(handler) };
        ServiceBusAdministrationClient admin = new(broker.ConnectionString.Replace(";UseDevelopmentEmulator=true", ""), options);
        Check.Equal(queue, (await admin.GetQueueAsync(queue)).Value.Name, "name");
    }
}
