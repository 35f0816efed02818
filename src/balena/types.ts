import type { VariableScope } from '../device/record.js';

export type VariableName = 'AZURE_CERT' | 'AZURE_PRIVATE_KEY';

export interface Variable {
  /** The row, for its update and removal. */
  id: number;
  value: string;
}

/** A place for a device's variables, and what stands there. */
export interface ScopedVariables {
  /** The row that variables of this place belong to: the device, or its installation of the service. */
  ownerId: number;
  variables: Partial<Record<VariableName, Variable>>;
}

/** A device as balena knows it, from one request. */
export interface BalenaDevice {
  /** The fleet's slug. */
  fleet: string;
  /** Every place that exists: '' and each service of the device's fleet. */
  scopes: Map<VariableScope, ScopedVariables>;
}

/**
 * The part of balena that the product uses. Every call has a deadline and throws ProvisioningError `balena-…` or `timed-out`;
 * with `outcomeUnknown`, a write may still happen. Each is one request.
 */
export interface BalenaClient {
  /** @returns null if balena shows no such device to our key */
  findDevice(uuid: string): Promise<BalenaDevice | null>;
  /** Does our key see this fleet, or, if none is named, any fleet at all? An empty answer means little if it does not. Of a public fleet, that is one of its devices at least. */
  seesFleet(fleet: string | null): Promise<boolean>;
  /** Writes a variable: a new row, or the value of an existing one. */
  store(
    scope: VariableScope,
    scopedVariables: ScopedVariables,
    name: VariableName,
    value: string,
  ): Promise<void>;
  /** Removes a variable, if it is there. */
  remove(scope: VariableScope, variable: Variable): Promise<void>;
}
