/** For the errors: the rule about plain http. */
export const plainHttpFault =
  'plain http is allowed to this machine only (localhost or 127.0.0.1): use https, because the requests carry keys';

/** Whether a host name means this machine. @param host as in `URL.hostname`, in lower case */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether requests to a URL would pass a network unencrypted: plain http to another machine. */
export function isPlainHttp(url: string): boolean {
  if (!/^http:/i.test(url)) return false;
  return !URL.canParse(url) || !isLoopback(new URL(url).hostname);
}
