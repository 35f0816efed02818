import { createContext } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PageSettings } from '../../src/ops/settings/read.js';
import type { OpsApi } from './openApi.js';

/** Holds the settings for all components of the page; null until they are loaded. */
export const SettingsContext = createContext<PageSettings | null>(null);

const againMs = 30_000;

/** Loads the settings. They do not change while the page is open. A failed load is repeated. @param isOpen whether the operator may read */
export function useSettings(api: OpsApi, isOpen: boolean): PageSettings | null {
  const [settings, setSettings] = useState<PageSettings | null>(null);
  useEffect(() => {
    if (!isOpen) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        setSettings(await api.settings(controller.signal));
      } catch {
        if (!controller.signal.aborted) timer = setTimeout(load, againMs);
      }
    };
    void load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [api, isOpen]);
  return settings;
}
