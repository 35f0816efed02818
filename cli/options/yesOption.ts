import { Option } from 'commander';

/** For whatever would ask. */
export function yesOption(): Option {
  return new Option('-y, --yes', 'do not ask');
}
