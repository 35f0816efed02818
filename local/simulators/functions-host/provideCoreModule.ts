import Module from 'node:module';
import type { CoreModule } from './core.js';

let provided = false;

/**
 * Makes `require('@azure/functions-core')` answer with this module, the way the real worker does it. It must come before the
 * app is imported: the library asks once, and skips all registrations if there is no answer.
 *
 * @throws Error at the second call: the library keeps the first answer, so a process can hold one host
 */
export function provideCoreModule(core: CoreModule): void {
  if (provided) throw new Error('one process can run one Functions host: start another process');
  provided = true;
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args),
  });
}
