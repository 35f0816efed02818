/** Says once that the queue cannot be reached, and once that it can again. */
export function reportOutage(functionName: string, queueName: string, onEvent: (line: string) => void) {
  let away = false;
  return {
    begin: (error: Error) => {
      if (!away)
        onEvent(
          `${functionName}: queue ${queueName} cannot be reached, trying until it can: ${error.message}`,
        );
      away = true;
    },
    over: () => {
      if (away) onEvent(`${functionName}: queue ${queueName} can be reached again`);
      away = false;
    },
  };
}
