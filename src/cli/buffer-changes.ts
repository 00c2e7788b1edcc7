/** What is done to one buffer, and how it is told: for the commands that do it, and for `top`. */
import type { BufferInfo } from '../rest/contract.js';
import { bufferPath } from './command.js';
import type { Rest } from './rest.js';

/** As long as the daemon gives holders above their share, where nothing else is configured. */
export const USUAL_SECONDS = 10;

export const release = (rest: Rest, id: string) =>
  rest.delete(bufferPath(id)).then(() => ({ released: id }));

export const releasedText = ({ released }: { readonly released: string }) => `released ${released}`;

export const recall = (rest: Rest, id: string, seconds: number) =>
  rest.post<BufferInfo>(bufferPath(id, '/recall'), { seconds });

export const recalledText = ({ id, recall }: BufferInfo) =>
  `recalled ${id} until ${recall?.deadline}`;

export const extend = (rest: Rest, id: string, seconds: number) =>
  rest.post<BufferInfo>(bufferPath(id, '/extend'), { seconds });
