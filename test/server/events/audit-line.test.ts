/** The line of a record is what pino makes of it, byte for byte. */
import fc from 'fast-check';
import { pino } from 'pino';
import t from 'tap';
import { lineOf } from '../../../src/server/events/audit-line.js';
import type { AuditNote } from '../../../src/server/words/audit.js';
import { anyText } from '../../support/any-text.js';

const TIME = '2026-01-02T03:04:05.006Z';

function byPino({ act, at, who, about, ...rest }: AuditNote): string {
  let line = '';
  const timestamp = () => `,"time":"${TIME}"`;
  const logger = pino({ base: null, timestamp }, { write: (text) => (line = text) });
  logger.child({ component: 'audit' }).info({ act, at, who, ...about, ...rest }, act);
  return line;
}

const name = anyText({ maxLength: 60 });
const uid = fc.option(fc.nat(2 ** 32 - 1));
const notes: fc.Arbitrary<AuditNote> = fc.record(
  {
    act: fc.constantFrom('grant', 'share', 'redeem', 'release', 'refusal'),
    at: fc.constant('2026-01-01T00:00:00.000Z'),
    who: fc.option(
      fc.record({
        client: fc.option(name),
        uid,
        pid: uid,
        executable: fc.option(name),
        unit: fc.option(name),
        token: fc.option(name),
        rest: fc.boolean(),
      }),
    ),
    about: fc.option(
      fc.record(
        { buffer: name, size: fc.nat(2 ** 40), format: name, source: name, owner: uid },
        { requiredKeys: [] },
      ),
    ),
    token: name,
    uses: fc.oneof(fc.nat(), fc.constantFrom(Number.NaN, 1e300)),
    for_uid: uid,
    suppressed: fc.option(fc.nat(), { nil: undefined }),
    by: name,
    setting: fc.option(fc.record({ limit: fc.double(), text: name })),
  },
  { requiredKeys: ['act', 'at', 'who', 'about'] },
) as fc.Arbitrary<AuditNote>;

t.test('any record', async (t) => {
  const property = fc.property(notes, (note) => {
    const expected = byPino(note);
    if (lineOf(note, TIME) !== expected || lineOf(note, TIME) !== expected) {
      throw new Error(`${lineOf(note, TIME)} is not ${expected}`);
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.equal(byPino({ act: 'grant', at: TIME, who: null, about: {} }).slice(-15), '"msg":"grant"}\n');
});
