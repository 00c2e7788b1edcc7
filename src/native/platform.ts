/**
 * Where this runs, and why it cannot: said in a sentence before anything native is loaded, or when it could
 * not be. Who installs the package on another system is to read what it is for, not that a file is missing.
 */

/** What decides: this process, or what a test says. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
  readonly versions: NodeJS.Dict<string>;
  /** glibc's version; undefined where the C library is another. It takes a while (30 ms). */
  readonly glibc: () => string | undefined;
}

/** As package.json has them (`os`, `cpu`, `libc`). */
const PLATFORM = 'linux';
const ARCHITECTURES = ['x64', 'arm64'];
/** Of the symbols of the shim; Debian 12, Ubuntu 22.04 and RHEL 9 have it. */
export const GLIBC = '2.34';

const PURPOSE =
  'dmabroker hands out dma_buf file descriptors and runs in Node on Linux, on x64 or arm64, with ' +
  `glibc ${GLIBC} or newer`;

export class UnsupportedPlatform extends Error {
  override readonly name = 'UnsupportedPlatform';
  readonly code = 'ERR_DMABROKER_PLATFORM';

  constructor(why: string, options?: ErrorOptions) {
    super(`${PURPOSE}; ${why}`, options);
  }
}

export function thisPlatform(): Platform {
  const { platform, arch, versions } = process;
  return {
    platform,
    arch,
    versions,
    glibc: () => {
      const { header } = process.report.getReport() as unknown as {
        readonly header: { readonly glibcVersionRuntime?: string };
      };
      return header.glibcVersionRuntime;
    },
  };
}

/** Runtimes in which it loads and then does not work, by their name in `process.versions`. */
const RUNTIMES = {
  bun: 'Bun, whose net.Socket does not read from a pipe given by number: nothing would be answered',
  deno: "Deno, in which Node's fs does not know the process's file descriptors: nothing could be mapped",
};

/** Throws where it is known without a try that nothing can be loaded, or would not work. */
export function requireSupported({ platform, arch, versions }: Platform): void {
  for (const [name, why] of Object.entries(RUNTIMES)) {
    if (versions[name] !== undefined) throw new UnsupportedPlatform(`this is ${why}`);
  }
  if (platform !== PLATFORM) throw new UnsupportedPlatform(`this is ${platform}`);
  if (!ARCHITECTURES.includes(arch)) throw new UnsupportedPlatform(`this is ${arch}`);
}

/** What to throw where the native part could not be loaded. */
export function unloadable(cause: unknown, { arch, glibc }: Platform): UnsupportedPlatform {
  const version = glibc();
  const what = version === undefined ? 'a C library that is not glibc' : `glibc ${version}`;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new UnsupportedPlatform(`this is ${arch} with ${what}: ${text}`, { cause });
}
