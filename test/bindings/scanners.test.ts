/**
 * The scanners of C, C++ (waylandpp) and Qt generate from the XML, and what they generate compiles without
 * a warning: all of it, and a program that names every request and every event.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import type { Interface } from '../../src/protocol/wire.js';
import { temporaryFolder } from '../support/folder.js';
import { atNight } from '../support/night.js';
import { XML } from './page.js';

const run = promisify(execFile);
const all: readonly Interface[] = Object.values(dmabroker);
const eachOf = (line: (definition: Interface) => readonly string[]) =>
  all.flatMap((definition) => [...line(definition)]).join('\n');

interface Binding {
  readonly name: string;
  /** Shell commands, in a folder of their own, that write and compile the code; $XML is the protocol. */
  readonly commands: string;
  /** The program's file and text. */
  readonly program: readonly [string, string];
}

/** What warns is the compiler's reading; the code that it makes of C++ takes as long again, and is made by night. */
const CXX = atNight('-fsyntax-only', '-c');

const bindings: readonly Binding[] = [
  {
    name: 'C: wayland-scanner',
    commands: `
      wayland-scanner --strict client-header "$XML" client.h
      wayland-scanner --strict server-header "$XML" server.h
      wayland-scanner --strict private-code "$XML" code.c
      wayland-scanner --strict public-code "$XML" public.c
      cc -std=c11 -Wall -Wextra -Werror -c code.c public.c all.c
      cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -x c server.h`,
    program: [
      'all.c',
      `#include "client.h"\nvoid all(void);\nvoid all(void)\n{\n${eachOf(
        ({ name, requests, events }) => [
          ...requests.map((request) => `(void)${name}_${request.name};`),
          `(void)(struct ${name}_listener){${events.map((event) => `.${event.name} = 0`).join()}};`,
        ],
      )
        // C has no empty initializers before C23, nor a listener where there are no events.
        .replace(/^.*_listener\)\{\};$/gm, '')}\n}\n`,
    ],
  },
  {
    name: 'C++: waylandpp',
    commands: `
      wayland-scanner++ "$XML" code.hpp code.cpp
      c++ -std=c++17 -Wall -Werror -I. ${CXX} code.cpp all.cpp`,
    program: [
      'all.cpp',
      `#include "code.hpp"\nvoid all()\n{\nusing namespace wayland;\n${eachOf(
        ({ name, requests, events }) => [
          // The destructor is sent when an object's last handle goes.
          ...requests
            .filter(({ destructor }) => !destructor)
            .map((request) => `(void)&${name}_t::${request.name};`),
          ...events.map((event) => `(void)&${name}_t::on_${event.name};`),
        ],
      )}\n}\n`,
    ],
  },
  {
    name: 'Qt: qtwaylandscanner',
    commands: `
      wayland-scanner client-header "$XML" wayland-dmabroker-v1-client-protocol.h
      scanner=/usr/lib/qt6/libexec/qtwaylandscanner
      $scanner client-header "$XML" >qwayland-dmabroker-v1.h
      $scanner client-code "$XML" >qwayland-dmabroker-v1.cpp
      c++ -std=c++17 -fPIC -Wall -Werror -I. $(pkg-config --cflags Qt6Core) ${CXX} qwayland-dmabroker-v1.cpp all.cpp`,
    program: [
      'all.cpp',
      `#include "qwayland-dmabroker-v1.h"\n${eachOf(({ name, requests, events }) => [
        `struct all_${name} : QtWayland::${name} {\nvoid all()\n{`,
        ...requests.map((request) => `(void)&all_${name}::${request.name};`),
        ...events.map((event) => `(void)&all_${name}::${name}_${event.name};`),
        '}\n};',
      ])}\n`,
    ],
  },
];

for (const { name, commands, program } of bindings) {
  t.test(name, async (t) => {
    const cwd = temporaryFolder(t);
    const [file, text] = program;
    writeFileSync(join(cwd, file), text);
    const env = { ...process.env, XML };
    const { stdout, stderr } = await run('sh', ['-ec', commands], { cwd, env });
    t.same([stdout, stderr], ['', ''], 'nothing to say');
  });
}
