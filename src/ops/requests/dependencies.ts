import type { Config } from '../../config/config.js';
import type { ListingDependencies } from '../../fleet/list.js';
import type { OpsDependencies } from '../dependencies.js';

/** The dependencies of the functions: operators request devices and fleets, and fleets are listed in balena. */
export interface OperatorDependencies
  extends Omit<OpsDependencies, 'balena'>,
    Pick<ListingDependencies, 'balena'> {
  config: Pick<Config, 'defaultService' | 'fleets' | 'links' | 'signIn'>;
}
