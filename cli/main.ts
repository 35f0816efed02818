#!/usr/bin/env node
import { useNode24 } from './useNode24.js';

// The rest is loaded by a Node that can run it.
if (useNode24()) {
  const { run } = await import('./run.js');
  await run(process.argv.slice(2));
}
