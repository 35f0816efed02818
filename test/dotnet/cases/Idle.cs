using Azure.Messaging.ServiceBus;

namespace ServiceBusCases.Cases;

/// <summary>
/// A sender and a receiver are idle until the caller writes a line, and must work again. The caller waits until the broker has
/// detached the idle links and closed the idle connection.
/// </summary>
public static class Idle
{
    private const string Queue = "idle";

    public static Task<bool> RunAsync(Broker broker) => Group.RunCaseAsync("idle", "links and a connection that were idle work again", async () =>
    {
        var sender = broker.Client.CreateSender(Queue);
        var receiver = broker.Client.CreateReceiver(Queue);
        await sender.SendMessageAsync(new ServiceBusMessage("before"));
        var message = await receiver.ReceiveMessageAsync(Broker.LongWait);
        Group.Print(new { idle = true });
        await Console.In.ReadLineAsync();
        await sender.SendMessageAsync(new ServiceBusMessage("after"));
        // The link of the delivery is gone, and the lock is still there.
        await receiver.CompleteMessageAsync(message);
        var next = await receiver.ReceiveMessageAsync(Broker.LongWait);
        Check.Equal("after", next.Body.ToString(), "body");
    });
}
