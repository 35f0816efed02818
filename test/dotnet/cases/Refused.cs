using System.Transactions;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

/// <summary>Features that the local broker does not serve. Each is refused with an error that names the feature.</summary>
public sealed class Refused : Group
{
    private const string Said = "Not supported by the local broker: ";

    public async Task deferring_a_message(Broker broker)
    {
        var (receiver, message) = await ReceivedAsync(broker);
        await Check.ThrowsAsync<Exception>(() => receiver.DeferMessageAsync(message), Said + "deferring messages");
        await receiver.CompleteMessageAsync(message);
    }

    public async Task deferring_a_message_over_the_management_link(Broker broker)
    {
        var (receiver, message) = await ReceivedAsync(broker);
        await receiver.CloseAsync();
        var other = broker.Client.CreateReceiver(receiver.EntityPath);
        await Check.ThrowsAsync<Exception>(() => other.DeferMessageAsync(message), Said + "deferring messages");
        await other.CompleteMessageAsync(message);
    }

    public async Task receiving_deferred_messages(Broker broker)
    {
        var receiver = broker.Client.CreateReceiver(await broker.NewQueueAsync());
        await Check.ThrowsAsync<Exception>(() => receiver.ReceiveDeferredMessageAsync(1), Said + "deferring messages");
    }

    public async Task accepting_a_session(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await Check.ThrowsAsync<Exception>(() => broker.Client.AcceptSessionAsync(queue, "s"), Said + "message sessions");
        await Check.ThrowsAsync<Exception>(() => broker.Client.AcceptNextSessionAsync(queue), Said + "message sessions");
    }

    public async Task receiving_from_a_subscription(Broker broker)
    {
        await Check.ThrowsAsync<Exception>(() => broker.Client.CreateReceiver("t", "s").ReceiveMessageAsync(Broker.LongWait), Said + "a topic with its subscriptions");
        await Check.ThrowsAsync<Exception>(() => broker.Client.CreateRuleManager("t", "s").DeleteRuleAsync("r"), Said + "a topic with its subscriptions");
    }

    public async Task the_transfer_dead_letter_queue(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var receiver = broker.Client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.TransferDeadLetter });
        await Check.ThrowsAsync<Exception>(() => receiver.ReceiveMessageAsync(Broker.LongWait), Said + "the transfer dead-letter queue");
    }

    public async Task sending_in_a_transaction(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        var sender = broker.Client.CreateSender(queue);
        await Check.ThrowsAsync<Exception>(async () =>
        {
            using TransactionScope scope = new(TransactionScopeAsyncFlowOption.Enabled);
            await sender.SendMessageAsync(new ServiceBusMessage("b"));
            scope.Complete();
        }, Said + "transactions");
        Check.Equal<ServiceBusReceivedMessage?>(null, await broker.Client.CreateReceiver(queue).PeekMessageAsync(), "message left");
    }

    private static async Task<(ServiceBusReceiver, ServiceBusReceivedMessage)> ReceivedAsync(Broker broker)
    {
        var queue = await broker.NewQueueAsync();
        await SendAsync(broker, queue, 1);
        var receiver = broker.Client.CreateReceiver(queue);
        return (receiver, await receiver.ReceiveMessageAsync(Broker.LongWait));
    }
}
