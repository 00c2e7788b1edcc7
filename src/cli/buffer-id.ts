/** Which buffer somebody means: its id, or a beginning that no other buffer's id has. */
import type { BufferInfo } from '../rest/contract.js';
import { Usage } from './failure.js';
import type { Rest } from './rest.js';

/** As the daemon makes them; such a one is not looked for, since a buffer that is gone has one, too. */
const WHOLE = /^[a-z2-7]{13}$/;

/** The ids in whole. One that no buffer has stays as it is: the daemon is to say so. Throws Usage. */
export async function wholeIds(rest: Rest, given: readonly string[]): Promise<string[]> {
  if (given.every((id) => WHOLE.test(id))) return [...given];
  const buffers = await rest.list<Pick<BufferInfo, 'id' | 'name'>>('/v1/buffers?fields=id,name');
  return given.map((beginning) => {
    const found = buffers.filter(({ id }) => id.startsWith(beginning) && beginning !== '');
    const exact = found.find(({ id }) => id === beginning);
    const [first = { id: beginning }] = exact === undefined ? found : [exact];
    if (found.length < 2 || exact !== undefined) return first.id;
    const all = found.map(({ id, name }) => (name === null ? id : `${id} (${name})`)).join(', ');
    throw new Usage(`${beginning} is the beginning of several ids: ${all}`);
  });
}
