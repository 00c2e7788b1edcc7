/**
 * What our interfaces keep to, whatever is added: what bindings in other languages can speak, and what
 * cannot be got wrong without being noticed.
 */
import t from 'tap';
import { MAX_FDS } from '../../src/memory/limits.js';
import * as dmabroker from '../../src/protocol/dmabroker-v1.gen.js';
import type { Interface, Message } from '../../src/protocol/wire.js';

const all: readonly Interface[] = Object.values(dmabroker);
const messages = all.flatMap(({ name, requests, events }) => [
  ...requests.map((message) => ({ name: `${name}.${message.name}`, message, request: true })),
  ...events.map((message) => ({ name: `${name}.${message.name}`, message, request: false })),
]);

/** The names of the values of 64 bits; throws where a half is alone or in the wrong place. */
function wide({ args }: Message): string[] {
  const names: string[] = [];
  for (const [i, { name, type }] of args.entries()) {
    const [, base, half] = /^(.*)_(hi|lo)$/.exec(name) ?? [];
    if (base === undefined) continue;
    const other = args[half === 'hi' ? i + 1 : i - 1];
    if (type !== 'uint' || other?.name !== `${base}_${half === 'hi' ? 'lo' : 'hi'}`) {
      throw new Error(`${name} is half of nothing`);
    }
    if (half === 'hi') names.push(base);
  }
  return names;
}

/** The interfaces that an interface's messages make or name, without itself. */
const named = ({ name, requests, events }: Interface): readonly string[] =>
  [
    ...new Set(
      [...requests, ...events]
        .flatMap(({ args }) => args.map((arg) => arg.interface))
        .filter((other) => other !== undefined && other !== name),
    ),
  ] as string[];

t.test(
  'no two interfaces name each other, which a binding with a module for each cannot load',
  async (t) => {
    /** Whether one can be come to from the other. */
    const leads = (from: string, to: string, seen = new Set<string>()): boolean => {
      if (seen.has(from)) return false;
      seen.add(from);
      const definition = all.find(({ name }) => name === from);
      const next = definition === undefined ? [] : named(definition);
      return next.includes(to) || next.some((each) => leads(each, to, seen));
    };
    for (const { name } of all) t.notOk(leads(name, name), name);
  },
);

t.test('the one destructor of an interface is destroy', async (t) => {
  for (const { name, requests, events } of all) {
    const ends = requests.filter(({ destructor }) => destructor);
    t.same(
      ends.map((each) => each.name),
      ['destroy'],
      name,
    );
    t.same(ends[0]?.args, []);
    t.notOk(events.some(({ destructor }) => destructor));
  }
});

t.test('there are no arrays, which some bindings can neither send nor receive', async (t) => {
  for (const { name, message } of messages) {
    for (const { type } of message.args) t.not(type, 'array', name);
  }
});

t.test('halves that could be swapped: no request has two values of 64 bits', async (t) => {
  for (const { name, message, request } of messages) {
    const values = wide(message);
    if (request) t.ok(values.length <= 1, name);
    else t.equal(new Set(values).size, values.length, name);
  }
});

t.test('ids, nullable objects and fds that bindings know', async (t) => {
  for (const { name, message, request } of messages) {
    const types = message.args.map(({ type }) => type);
    t.notOk(!request && types.includes('new_id'), `${name}: the server makes no objects`);
    t.notOk(
      message.args.some(({ allowNull }) => allowNull),
      name,
    );
    t.ok(types.filter((type) => type === 'fd').length <= Math.min(1, MAX_FDS), name);
  }
});

t.test('every refusal is told in the same way, and may have a long detail before it', async (t) => {
  const refusals = messages.filter(({ name }) =>
    /\.(failed|lease_refused|commit_refused)$/.test(name),
  );
  for (const { name, message } of refusals) {
    t.same(
      message.args.map((arg) => [arg.name, arg.type]),
      [
        ['code', 'uint'],
        ['message', 'string'],
        ['detail', 'string'],
      ],
      name,
    );
    const owner = all.find((each) => each.name === name.split('.')[0]);
    const long = owner?.events.find((each) => each.name === 'long_detail');
    t.same(
      long?.args.map(({ type }) => type),
      ['fd', 'uint'],
      `${name}: long_detail`,
    );
  }
  t.equal(refusals.length, 6);
});

t.test('all is of the first version', async (t) => {
  for (const { name, version } of all) t.equal(version, 1, name);
  for (const { name, message } of messages) t.equal(message.since, 1, name);
});
