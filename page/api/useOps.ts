import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { OpsApi } from './openApi.js';

/** Holds the API client for all components of the page. */
export const OpsContext = createContext<OpsApi | null>(null);

/** The API client with the operator's key. @throws Error outside of OpsContext */
export function useOps(): OpsApi {
  const api = useContext(OpsContext);
  if (!api) throw new Error('useOps needs an OpsContext');
  return api;
}
