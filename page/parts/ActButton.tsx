import type { ComponentProps } from 'preact';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** Whether the operator may act, or only look. */
export const MayActContext = createContext(true);

/** A button that leads to an action. The button is not shown to an operator who may only look: the API would refuse the action. */
export function ActButton(props: Omit<ComponentProps<'button'>, 'type'>) {
  return useContext(MayActContext) ? <button {...props} type="button" /> : null;
}
