import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { OpsApi } from './openApi.js';

export const OpsContext = createContext<OpsApi | null>(null);

/** The API, below where the key was given. */
export function useOps(): OpsApi {
  const api = useContext(OpsContext);
  if (!api) throw new Error('no key was given');
  return api;
}
