/**
 * The words of a refusal's JSON: what `constraint` can be and what `possible` can have. One list for the
 * types, so that a word which is not in it does not compile, and for docs/errors.md, which is made of it.
 */
import type { Dimension, Scope } from './charged.js';

/** What a constraint is about. A field of a request has the name that it has in openapi.yaml. */
export const constraints = {
  // Of an allocation, an import and a dry run.
  count: 'how many equal buffers are asked for at once',
  device: 'the Vulkan device that was named',
  format: 'the format',
  handle_type: 'what the memory was exported as, which the request cannot use',
  handle_types: 'the kinds of fd that are accepted',
  height: 'the height in pixels',
  'width, height': 'both, which the device limits together or which have to be the same',
  import: 'whether the policy allows imports',
  kind: 'whether it is a buffer or an image',
  layout: 'the dictated layout as a whole',
  lifetime: 'what is asked for that has no lease',
  memory: 'the memory that the client brings to be made into a dma_buf',
  modifier: 'the modifier of an image that is there',
  modifiers: 'the modifiers that were offered',
  lasting_name: 'the lasting name, as it was asked for',
  name: 'the name',
  placement: 'where the memory is to be',
  contiguous: 'whether the memory must be physically contiguous',
  planes: 'how many planes there are, or their sizes',
  size: 'the size in bytes',
  offset: 'the offset in bytes',
  stride: 'the bytes from one row to the next',
  sources: 'the sources that were named, or that the policy allows',
  usage: 'what the memory is for',
  wait: 'how long it may wait for memory',
  width: 'the width in pixels',
  alignment: 'all of the alignment, which the driver’s layout cannot have',
  'alignment.stride': 'the multiple that strides must be of',
  'alignment.offset': 'the multiple that offsets must be of',
  'alignment.size': 'the multiple that sizes must be of',
  'alignment.height': 'the multiple that the height must be of',
  // Of memory with a lasting name.
  claims: 'the claims that wait',
  committed: 'whether a revision was committed, which was asked for',
  lasting_names: 'the lasting names that a user may have',
  metadata: 'the document of a revision',
  milliseconds: 'how long a claim waits',
  revision: 'the revision, which has to be larger than the last one',
  writer: 'who may commit, of whom there is one',
  // Of what is there.
  recipients: 'the processes that one buffer is handed to',
  rights: 'what the token allows',
  seconds: 'the length of a lease',
  session: 'the earlier connection, which a client wants to take the place of',
  share: 'whom the policy lets a token be for',
  source: 'the buffer that is copied',
  source_offset: 'the offset in the buffer that is copied',
  state: 'the buffer’s or the device’s state, which has to be what was requested',
  tokens: 'the tokens that one may have',
  uses: 'how often a token can be redeemed',
  // Limits of the machine and of the daemon.
  connect: 'the connections that one user may have',
  'dry runs': 'the dry runs that wait',
  'event readers': 'those that read the events',
  fds: 'the daemon’s file descriptors',
  fences: 'how long fences of the memory are waited for',
  heap_budget: 'the Vulkan heap’s budget',
  max_allocations: 'the device’s allocations',
  'pending works': 'the copies, fills and reads that wait',
  previews: 'the previews that wait',
  recalled: 'recalled buffers that were not given back',
  'waiting allocations': 'the allocations that wait for memory',
  'waiting requests': 'the requests over REST that wait for memory',
  // Of REST.
  'content-type': 'the header',
  cursor: 'the place in a list',
  expect: 'the header',
  host: 'the header',
  'idempotency-key': 'the header, or the keys that are kept',
  'if-match': 'the header',
  'log.audit_when_full': 'the setting because of which what cannot be recorded is refused',
  method: 'the method',
  origin: 'the header',
  referer: 'the header',
  'requests per second': 'the caller’s rate',
  role: 'what the caller may do',
  threads: 'the daemon’s threads, named in `requested`, that do not answer',
} as const satisfies Record<string, string>;

/** Constraints with a part that varies: how they are written in the page, and what they are about. */
export const families = {
  'planes.N, planes.N.fd, .offset, .stride': 'plane N of an import',
  'layout.N.offset, .stride': 'plane N of a dictated layout',
  'quota.SCOPE.DIMENSION': 'a quota, as quotas.md has them; `quota` has it in full',
  'E…': 'an errno: why the state folder cannot be written',
  'a path such as `token.uses` or `modifiers[3]`': 'REST alone: the member of what was sent',
} as const satisfies Record<string, string>;

/** The member of a REST request, which openapi.yaml names: not a word of this list. */
export type FieldPath = string & { readonly of: 'a REST request' };
type PlaneField<Name extends string> = `planes.${number}.${Name}` | `layout.${number}.${Name}`;

export type Constraint =
  | keyof typeof constraints
  | PlaneField<'offset' | 'stride'>
  | `planes.${number}`
  | `planes.${number}.fd`
  | `quota.${Scope}.${Dimension | 'allocations_per_second'}`
  | `E${Uppercase<string>}`
  | FieldPath;

/** The members of `possible` where it is an object, or a list of objects. */
export const possibles = {
  min: 'the least value',
  max: 'the largest value',
  count: 'of several equal buffers, how many keep within the limit',
  multiple_of: 'what the value has to be a multiple of',
  power_of_two: 'true: the value has to be one',
  width: 'the largest width, or the width that there is',
  height: 'the largest height, or the height that there is',
  planes: 'how many planes it has to be',
  offset: 'where the driver would put the plane, in bytes',
  stride: 'the stride that the driver would choose, in bytes',
  modifier: 'a modifier, 16 hexadecimal digits after 0x',
  modifiers: 'modifiers with which it can be had',
  usage: 'what memory of that modifier can be for; of a heap, the bytes in use',
  index: 'a Vulkan memory type',
  heap: 'the Vulkan heap',
  flags: 'the memory type’s properties',
  budget: 'the heap’s budget in bytes',
  recalling: 'false: nothing is recalled for it',
  recallable: 'how much could be recalled, which is not enough',
  after_seconds: 'when it may be tried again',
  max_wait_ms: 'for how long fences are waited for',
  release: 'the buffers that are to be given back',
  // Of REST.
  role: 'the role that is needed',
  preview: 'whether the right to see previews is needed',
  owner: 'whether the owner is let in',
  bytes: 'the largest size',
  depth: 'how many levels a document may have',
  milliseconds: 'in what time it has to arrive',
  seconds: 'for how long a key is kept',
  pattern: 'the regular expression that a text has to match',
  minimum: 'the least value',
  exclusiveMinimum: 'the value has to be larger',
  maximum: 'the largest value',
  minLength: 'the least length',
  maxLength: 'the largest length',
  minItems: 'the fewest elements',
  maxItems: 'the most elements',
} as const satisfies Record<string, string>;

/** A value, some to choose from, or bounds. */
export type Possible =
  | string
  | number
  | boolean
  | null
  | readonly Possible[]
  | { readonly [Name in keyof typeof possibles]?: Possible };
