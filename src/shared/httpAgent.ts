import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { TableClient } from '@azure/data-tables';

/**
 * An unused connection is closed after this time, ms. Networks drop unused connections without a word, Azure's outgoing NAT after four
 * minutes, so an older connection must not be used.
 */
const longestIdleMs = 30_000;

/** Opens a pool of connections for HTTP. @param isSecure true for HTTPS */
export function openAgent(isSecure: boolean, options: AgentOptions = {}): HttpAgent {
  const all = { keepAlive: true, timeout: longestIdleMs, ...options };
  return isSecure ? new HttpsAgent(all) : new HttpAgent(all);
}

/** Closes the unused connections of a pool now, and each used connection after its request. */
export function retireAgent(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

/** Makes an Azure client use this pool. Without this, all clients of the process share one pool, which cannot be replaced. */
export function useAgent(client: Pick<TableClient, 'pipeline'>, agent: HttpAgent): void {
  client.pipeline.addPolicy({
    name: 'agent',
    sendRequest(request, next) {
      // A proxy of the environment has an agent of its own.
      request.agent ??= agent;
      return next(request);
    },
  });
}
