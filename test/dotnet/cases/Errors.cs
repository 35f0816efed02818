using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

public sealed class Errors : Group
{
    public async Task a_missing_queue_is_not_found_by_any_operation(Broker broker)
    {
        const ServiceBusFailureReason reason = ServiceBusFailureReason.MessagingEntityNotFound;
        const string text = "could not be found";
        var sender = broker.Client.CreateSender("missing");
        var receiver = broker.Client.CreateReceiver("missing");
        await Check.FailsAsync(reason, () => sender.SendMessageAsync(new ServiceBusMessage("b")), text);
        await Check.FailsAsync(reason, async () => await sender.CreateMessageBatchAsync(), text);
        await Check.FailsAsync(reason, () => sender.ScheduleMessageAsync(new ServiceBusMessage("b"), DateTimeOffset.UtcNow.AddHours(1)), text);
        await Check.FailsAsync(reason, () => receiver.ReceiveMessageAsync(Broker.LongWait), text);
        await Check.FailsAsync(reason, () => receiver.PeekMessageAsync(), text);
    }

    public async Task a_queue_deleted_under_its_clients_is_not_found(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 2);
        var sender = broker.Client.CreateSender(queue);
        var receiver = broker.Client.CreateReceiver(queue);
        await sender.SendMessageAsync(new ServiceBusMessage("b"));
        var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
        await broker.Admin.DeleteQueueAsync(queue);
        const ServiceBusFailureReason reason = ServiceBusFailureReason.MessagingEntityNotFound;
        await Check.FailsAsync(reason, () => sender.SendMessageAsync(new ServiceBusMessage("b")));
        await Check.FailsAsync(reason, () => receiver.ReceiveMessageAsync(Broker.LongWait));
        await Check.FailsAsync(reason, () => receiver.PeekMessageAsync());
    }

    public async Task a_message_that_is_too_large_is_refused_and_the_sender_goes_on(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        await Check.FailsAsync(ServiceBusFailureReason.MessageSizeExceeded, () => sender.SendMessageAsync(new ServiceBusMessage(new byte[300_000])));
        await Check.FailsAsync(ServiceBusFailureReason.MessageSizeExceeded,
            () => sender.SendMessagesAsync(Enumerable.Range(0, 30).Select(_ => new ServiceBusMessage(new byte[10_000]))));
        await sender.SendMessageAsync(new ServiceBusMessage("small"));
        Check.Equal(1, (await broker.Client.CreateReceiver(queue).PeekMessagesAsync(50)).Count, "messages");
    }

    public async Task a_wrong_key_is_unauthorized(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var parts = ServiceBusConnectionStringProperties.Parse(broker.ConnectionString);
        var wrong = broker.ConnectionString.Replace(parts.SharedAccessKey, Convert.ToBase64String(new byte[32]));
        await using var client = Broker.NewClient(wrong);
        await Check.ThrowsAsync<UnauthorizedAccessException>(() => client.CreateSender(queue).SendMessageAsync(new ServiceBusMessage("b")));
        await Check.ThrowsAsync<UnauthorizedAccessException>(() => client.CreateReceiver(queue).ReceiveMessageAsync(Broker.LongWait));
        await Check.ThrowsAsync<UnauthorizedAccessException>(() =>
            new Azure.Messaging.ServiceBus.Administration.ServiceBusAdministrationClient(wrong).GetQueueAsync(queue));
    }

    public async Task a_missing_broker_is_a_communication_problem(Broker broker)
    {
        // Port 1 of loopback has no listener.
        var nowhere = System.Text.RegularExpressions.Regex.Replace(broker.ConnectionString, @"(sb://[^;:/]+)(:\d+)?", "sb://127.0.0.1:1");
        await using var client = Broker.NewClient(nowhere);
        await Check.FailsAsync(ServiceBusFailureReason.ServiceCommunicationProblem, () => client.CreateSender("q").SendMessageAsync(new ServiceBusMessage("b")));
    }

    public async Task many_links_and_clients_work_side_by_side(Broker broker)
    {
        var queues = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => broker.NewQueueAsync()));
        await Task.WhenAll(queues.Select(async queue =>
        {
            await using var client = Broker.NewClient(broker.ConnectionString);
            await using var sender = client.CreateSender(queue);
            await Task.WhenAll(Enumerable.Range(0, 50).Select(n => sender.SendMessageAsync(new ServiceBusMessage(n.ToString()))));
            await using var receiver = client.CreateReceiver(queue);
            foreach (var message in await ReceiveAsync(receiver, 50)) await receiver.CompleteMessageAsync(message);
        }));
    }
}
