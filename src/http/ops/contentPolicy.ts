import { createHash } from 'node:crypto';

/**
 * The content security policy of a page that has all in it: its own script and style, known by their hashes, may run, and it may
 * talk to where it came from; nothing else.
 *
 * @param html with `<style>` and `<script>` elements; those with a `src` are not allowed
 */
export function contentPolicy(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashes(html, /<script[^>]*>(.*?)<\/script>/gs)}`,
    `style-src ${hashes(html, /<style[^>]*>(.*?)<\/style>/gs)}`,
    "connect-src 'self'",
    // Icons in the style, and the page's own, are data: URLs.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashes(html: string, elements: RegExp): string {
  const found = [...html.matchAll(elements)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
  return found.length > 0 ? found.join(' ') : "'none'";
}
