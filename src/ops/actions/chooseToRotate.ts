import { isToRotate } from '../../fleet/rotate.js';
import { heldThumbprint } from '../../record/heldThumbprint.js';
import { parse, rotateFilter } from '../Filter.js';
import type { OpsTools } from '../OpsTools.js';
import { parseWhen } from '../parseWhen.js';
import type { Chosen } from './chooseLetters.js';

/**
 * Whose certificates a filter names, the oldest first.
 *
 * @throws Refused; ProvisioningError `records-unavailable`
 */
export async function chooseToRotate(tools: OpsTools, given: object): Promise<Chosen> {
  const { uuid, mintedBefore, ...rest } = parse(rotateFilter, given, 'filter');
  const filter = {
    ...rest,
    ...(mintedBefore !== undefined && {
      mintedBefore: parseWhen('mintedBefore', mintedBefore, tools.clock.now()),
    }),
  };
  const { records } = await tools.recordBook.read(0);
  const chosen = [...records.values()]
    .filter((summary) => (uuid === undefined || summary.uuid === uuid) && isToRotate(summary, filter))
    .sort((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0));
  return {
    items: chosen.map((summary) => {
      const { uuid, fleet } = summary;
      const thumbprint = heldThumbprint(summary);
      const item = { uuid, requestId: null, n: null, sequenceNumber: null };
      return { item: { ...item, ...(thumbprint !== null && { thumbprint }) }, code: null, fleet };
    }),
    quarantined: 0,
    note: null,
  };
}
