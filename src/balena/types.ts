import type { VariableScope } from '../device/record.js';

/** The names of our two variables. */
export type VariableName = 'AZURE_CERT' | 'AZURE_PRIVATE_KEY';

/** A stored variable. */
export interface Variable {
  /** The id of the row, for an update or a removal. */
  id: number;
  value: string;
}

/** One variable scope of a device, with the stored variables. */
export interface ScopedVariables {
  /** The id of the row that owns the variables: the device, or the installation of the service. */
  ownerId: number;
  variables: Partial<Record<VariableName, Variable>>;
}

/**
 * A device in balena, read with one request.
 *
 * A device has installs of services of several applications: the device's fleet, the host OS and the supervisor. Names of services are
 * unique within one application only, and the host OS's service is called `main`, like the service of many fleets. Therefore a
 * service is known by its application and its name.
 */
export interface BalenaDevice {
  /** The fleet's slug. */
  fleet: string;
  /** All variable scopes: '' for the device level, and each service of the device's fleet. */
  scopes: Map<VariableScope, ScopedVariables>;
  /** Services of other applications that hold a variable with one of our names. */
  foreignServices: ForeignService[];
}

/** A service of another application than the device's fleet. The containers of the fleet never see its variables. */
export interface ForeignService {
  name: string;
  variables: ScopedVariables['variables'];
}

/**
 * Reads and writes the variables of single devices in balena. Every call is one request with a deadline. Every call throws
 * ProvisioningError `balena-…` or `timed-out`. If `outcomeUnknown` is set, a write may still arrive later.
 */
export interface BalenaClient {
  /** @returns null if our key sees no device with this uuid */
  findDevice(uuid: string): Promise<BalenaDevice | null>;
  /**
   * Whether our key sees the fleet. An empty answer of `findDevice` only counts if the key sees the fleet. For a public fleet, the key
   * must see at least one device.
   *
   * @param fleet the fleet's slug; null for any fleet
   */
  seesFleet(fleet: string | null): Promise<boolean>;
  /**
   * Adds a variable as a new row. balena refuses the row if our key lacks the right to write, also if the row exists: the call therefore
   * proves the right. balena answers a change of an existing row with 200 in either case.
   *
   * @returns the new variable; null if the variable exists, and stays as it is
   */
  add(
    scope: VariableScope,
    scopedVariables: ScopedVariables,
    name: VariableName,
    value: string,
  ): Promise<Variable | null>;
  /** Writes a variable, as a new row or as a new value of the existing row. */
  store(
    scope: VariableScope,
    scopedVariables: ScopedVariables,
    name: VariableName,
    value: string,
  ): Promise<void>;
  /** Removes a variable. A missing variable is no error. */
  remove(scope: VariableScope, variable: Variable): Promise<void>;
  /** Asks balena about no device: whether balena answers, and accepts our key. @param timeoutMs the longest time, ms */
  ping(timeoutMs: number): Promise<void>;
}
