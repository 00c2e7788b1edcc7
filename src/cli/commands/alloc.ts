/** `dmabrokerctl alloc`: allocates a buffer that lives until it is released. */
import { InvalidArgumentError, Option } from 'commander';
import type { Alignment } from '../../memory/alignment.js';
import type { PlaneLayout } from '../../memory/plane.js';
import type { CreatedBuffer, PlannedBuffer } from '../../rest/contract.js';
import {
  contiguousValues,
  handleTypeValues,
  placementValues,
  usageNameValues,
} from '../../rest/openapi.gen.js';
import { fellBackFields, scanoutFields } from '../buffer-details.js';
import { type MakeCommand, tell } from '../command.js';
import { contents } from '../describe.js';
import { findDevice } from '../find-device.js';
import { duration } from '../numbers.js';
import {
  type MemoryOptions,
  memoryOf,
  memoryOptions,
  oneOf,
  several,
  someOf,
  type TokenTerms,
  tokenOptions,
} from '../options.js';
import { printFields } from '../output.js';
import { exactBytes } from '../printable.js';
import { waitOption } from './recv.js';

interface Options extends MemoryOptions, TokenTerms {
  readonly modifier?: string[];
  readonly usage?: string[];
  readonly handleType?: string[];
  readonly all?: boolean;
  readonly align?: Alignment;
  readonly separatePlanes?: boolean;
  readonly layout?: readonly PlaneLayout[];
  readonly source?: string[];
  readonly device?: string;
  readonly placement?: string;
  readonly contiguous?: string;
  readonly dryRun?: boolean;
  readonly name?: string;
  readonly lastingName?: string;
  readonly lease?: number;
  readonly wait: number;
}

export const allocCommand: MakeCommand = (program) => {
  const command = program.command('alloc').description('allocate a buffer and make a token for it');
  for (const option of [...memoryOptions(), ...tokenOptions()]) command.addOption(option);
  command
    .addOption(several('--modifier <0x…>', 'a modifier that its users can take; LINEAR if none'))
    .addOption(
      new Option(
        '--align <what=n,…>',
        'multiples (powers of two) of: stride, offset and size in bytes, height in rows',
      ).argParser(alignment),
    )
    .option('--separate-planes', 'each plane in a memory of its own (multi-planar V4L2)')
    .option('--device <device>', "a Vulkan device's UUID, or a part of its name (see devices)")
    .addOption(
      new Option(
        '--layout <offset:stride,…>',
        'where each memory plane must lie, in bytes; with one --modifier at most',
      ).argParser(layout),
    )
    .addOption(several('--source <source>', 'a memory source that may be taken (see device)'))
    .addOption(someOf('--usage <use>', 'what it is for', usageNameValues))
    .addOption(oneOf('--placement <where>', 'whose memory, and who can map it', placementValues))
    .addOption(
      oneOf('--contiguous <how>', 'whether its pages must follow one another', contiguousValues),
    )
    .addOption(
      someOf('--handle-type <type>', 'what it leaves as; dma_buf, else memfd', handleTypeValues),
    )
    .option('--all', 'the same memory as all of the --handle-type, in place of any of them')
    .addOption(waitOption('for memory, where there is none now'))
    .option('--dry-run', 'only say what would be allocated')
    .option('--name <text>', 'a name for people')
    .option('--lasting-name <name>', 'a name by which processes find it (see claim)')
    .option(
      '--lease <duration>',
      'how long it is kept unless renewed, e.g. 1h (default: until released)',
      duration,
    )
    .addHelpText(
      'after',
      '\nOptions of lists (modifier, usage, handle-type, source) can be repeated.',
    )
    .action(
      tell(
        async (rest, options: Options) => {
          const wanted = options.device;
          const device = wanted === undefined ? undefined : await findDevice(rest, wanted);
          const path = options.dryRun ? '/v1/buffers?dry_run=true' : '/v1/buffers';
          const asked = { ...body(options), device };
          return rest.post<CreatedBuffer | PlannedBuffer>(path, asked, options.wait * 1000);
        },
        (answer) => ('token' in answer ? printCreated(answer) : printPlanned(answer)),
      ),
    );
};

function printCreated({ buffer, token }: CreatedBuffer): void {
  printFields([
    ['id', buffer.id],
    ['contents', contents(buffer)],
    ['size', exactBytes(buffer.size)],
    ['handle type', [buffer.handle_type, ...(buffer.further_handle_types ?? [])]],
    ['source', buffer.source],
    ...fellBackFields(buffer),
    ['device', buffer.device],
    ['modifier', buffer.modifier],
    ['placement', buffer.placement],
    ['unverified', buffer.unverified_usage],
    ...scanoutFields(buffer),
    ['token', token.token],
    ['uses', token.uses],
    ['expires', token.expires_at ?? 'with the buffer'],
  ]);
}

function printPlanned(planned: PlannedBuffer): void {
  printFields([
    ['source', planned.source],
    ['device', planned.device],
    ['size', exactBytes(planned.size)],
    ['handle type', [planned.handle_type, ...(planned.further_handle_types ?? [])]],
    ['modifier', planned.modifier],
    ...planned.planes.map(({ index, memory, offset, stride }): [string, string] => [
      `plane ${index}`,
      `memory ${memory}, offset ${offset}, stride ${stride}`,
    ]),
    ['placement', planned.placement],
    ['unverified', planned.unverified_usage],
    ...scanoutFields(planned),
  ]);
}

/** The request; JSON.stringify leaves out what was not given. */
function body(options: Options): object {
  const { uses, seconds, uid } = options;
  const shared = {
    usage: options.usage,
    // Somebody at a terminal is shown which it became.
    handle_types: options.handleType ?? ['dma_buf', 'memfd'],
    all_handle_types: options.all,
    wait_ms: options.wait === 0 ? undefined : options.wait * 1000,
    sources: options.source,
    placement: options.placement,
    contiguous: options.contiguous,
    alignment: options.align,
    name: options.name,
    lasting_name: options.lastingName,
    lifetime: options.lease === undefined ? undefined : { type: 'lease', seconds: options.lease },
    token: { uses, seconds, uid },
  };
  const { modifier: modifiers, separatePlanes: separate_planes, layout } = options;
  const memory = memoryOf(options, {
    '--modifier': modifiers,
    '--separate-planes': separate_planes,
    '--layout': layout,
  });
  return { ...memory, modifiers, separate_planes, layout, ...shared };
}

/** `stride=256,height=16` */
function alignment(value: string, before: Alignment = {}): Alignment {
  const parts = value.split(',').map((part) => {
    const [, what, digits] = /^(stride|offset|size|height)=(\d{1,15})$/.exec(part) ?? [];
    if (what === undefined) {
      throw new InvalidArgumentError(`${part} is not an alignment, e.g. stride=256 or height=16.`);
    }
    return [what, Number(digits)] as const;
  });
  return { ...before, ...Object.fromEntries(parts) };
}

/** `0:7680,8294400:7680` */
function layout(value: string): PlaneLayout[] {
  return value.split(',').map((part) => {
    const [, offset, stride] = /^(\d{1,10}):(\d{1,10})$/.exec(part) ?? [];
    if (offset === undefined) {
      throw new InvalidArgumentError(`${part} is not a plane's offset and stride, e.g. 0:7680.`);
    }
    return { offset: Number(offset), stride: Number(stride) };
  });
}
