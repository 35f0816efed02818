/**
 * Can a URL be made with this `Host` header? Kestrel refuses others before a function sees them, and the library could not even
 * make a request of them.
 */
export function isHost(header: string | undefined): boolean {
  if (header === undefined || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(header)) return false;
  return URL.canParse(`http://${header}/`);
}
