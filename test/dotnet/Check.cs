using System.Text.Json;
using Azure.Messaging.ServiceBus;

namespace ServiceBusCases;

/// <summary>A value differs from the expected value.</summary>
public sealed class CheckFailed(string message) : Exception(message);

/// <summary>Comparisons. Each throws <see cref="CheckFailed"/> if the values differ.</summary>
public static class Check
{
    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new CheckFailed($"{what}: expected {Show(expected)}, got {Show(actual)}");
    }

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what)
    {
        var (wanted, got) = (expected.ToList(), actual.ToList());
        if (!wanted.SequenceEqual(got)) throw new CheckFailed($"{what}: expected {Show(wanted)}, got {Show(got)}");
    }

    public static void True(bool isTrue, string what)
    {
        if (!isTrue) throw new CheckFailed($"{what}: not true");
    }

    /// <summary>The call must fail with this reason, and with this text in the message.</summary>
    public static async Task FailsAsync(ServiceBusFailureReason reason, Func<Task> call, string text = "")
    {
        var error = await ThrowsAsync<ServiceBusException>(call, text);
        Equal(reason, error.Reason, $"reason of '{error.Message}'");
    }

    /// <summary>The call must fail with this type of exception, and with this text in the message.</summary>
    public static async Task<T> ThrowsAsync<T>(Func<Task> call, string text = "") where T : Exception
    {
        try
        {
            await call();
        }
        catch (T error)
        {
            if (error.Message.Contains(text)) return error;
            throw new CheckFailed($"the error must contain '{text}', but is '{error.Message}'");
        }
        catch (Exception error)
        {
            throw new CheckFailed($"expected {typeof(T).Name}, got {error.GetType().Name}: {error.Message}");
        }
        throw new CheckFailed($"expected {typeof(T).Name}, but the call succeeded");
    }

    private static string Show<T>(T value)
    {
        var text = value is System.Collections.IEnumerable and not string ? JsonSerializer.Serialize(value) : $"{value} ({value?.GetType().Name ?? "null"})";
        return text.Length > 500 ? text[..500] + "..." : text;
    }
}
