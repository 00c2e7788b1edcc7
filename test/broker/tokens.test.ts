/** Tokens: uses, the user, expiry, revocation, limits; and that every bad token looks the same. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { digestOf, type Found, Tokens, type TokenTerms } from '../../src/broker/tokens.js';
import { MAX_TOKEN_USES, MAX_TOKENS, MAX_TOKENS_PER_BUFFER } from '../../src/memory/limits.js';
import { refused } from '../support/refused.js';
import { FakeWorld } from './support/world.js';

const UID = 1000;
const user = (uid: number) => ({ uid, gid: uid, groups: [] });
const ME = user(UID);
const anybody: TokenTerms = { uses: 1, uid: null, seconds: null };

function make() {
  const world = new FakeWorld();
  return { world, tokens: new Tokens<string>(world.clock, world.random) };
}

function redeem(tokens: Tokens<string>, token: string, who: ReturnType<typeof user>) {
  const found: Found<string> = tokens.find(token, who);
  tokens.use(found);
  return found;
}

t.test('what is kept of a token is its whole SHA-256', async (t) => {
  for (const token of ['', 'abc', 'ä', 'a'.repeat(1000)]) {
    t.equal(digestOf(token), createHash('sha256').update(token).digest('base64'));
  }
});

t.test('a token that was found and is refused all the same is not used', async (t) => {
  const { tokens } = make();
  const { token } = tokens.issue('a', anybody, UID);
  t.match(tokens.find(token, ME), { target: 'a', id: 't1', mayRenew: false });
  t.equal(redeem(tokens, token, ME).target, 'a');
  t.equal(tokens.count('a'), 0);
});

t.test('a token is good for its uses', async (t) => {
  const { tokens } = make();
  const { token, info } = tokens.issue('a', { ...anybody, uses: 3 }, UID);
  t.equal(info.expires, null);
  t.match(token, /^[a-z2-7]{26}$/);
  t.same(
    [1, 2, 3].map(() => redeem(tokens, token, ME).target),
    ['a', 'a', 'a'],
  );
  t.equal(refused(() => redeem(tokens, token, ME)).code, 'invalid_token');
  t.equal(tokens.count('a'), 0);
});

t.test(
  'a token for one user is no other user’s, and a wrong user does not use it up',
  async (t) => {
    const { tokens } = make();
    const { token } = tokens.issue('a', { ...anybody, uid: UID }, UID);
    t.equal(refused(() => redeem(tokens, token, user(0))).code, 'invalid_token', 'not even root’s');
    t.equal(redeem(tokens, token, ME).target, 'a');
  },
);

t.test('a token expires', async (t) => {
  const { tokens, world } = make();
  const terms = { uses: 2, uid: null, seconds: 60 };
  const { token, info } = tokens.issue('a', terms, UID);
  t.equal(info.expires, world.clock.now() + 60_000);
  world.pass(59_999);
  t.equal(redeem(tokens, token, ME).target, 'a');
  world.pass(1);
  t.equal(refused(() => redeem(tokens, token, ME)).code, 'invalid_token');
  t.equal(tokens.count('a'), 0);
  tokens.issue('b', terms, UID);
  world.pass(60_000);
  t.equal(tokens.count('b'), 0, 'without being asked for');
});

t.test('revocation', async (t) => {
  const { tokens } = make();
  const [first, second] = [tokens.issue('a', anybody, UID), tokens.issue('a', anybody, UID)];
  const other = tokens.issue('b', anybody, UID);
  t.notOk(tokens.revoke('b', first.info.id), 'it is of another buffer');
  t.ok(tokens.revoke('a', first.info.id));
  t.notOk(tokens.revoke('a', first.info.id));
  t.notOk(tokens.revoke('a', first.token), 'the secret is no id');
  t.equal(refused(() => redeem(tokens, first.token, ME)).code, 'invalid_token');
  t.equal(tokens.count('a'), 1);
  tokens.revokeAll('a');
  t.equal(refused(() => redeem(tokens, second.token, ME)).code, 'invalid_token');
  t.equal(redeem(tokens, other.token, ME).target, 'b');
});

t.test('every bad token gets the same answer', async (t) => {
  const { tokens, world } = make();
  const usedUp = tokens.issue('a', anybody, UID).token;
  redeem(tokens, usedUp, ME);
  const { token: revoked, info } = tokens.issue('a', anybody, UID);
  tokens.revoke('a', info.id);
  const expired = tokens.issue('a', { ...anybody, seconds: 1 }, UID).token;
  const ofAnother = tokens.issue('a', { ...anybody, uid: 7 }, UID).token;
  world.pass(1000);
  const bad = ['', 'x', 'a'.repeat(26), usedUp, revoked, expired, ofAnother];
  const answers = bad.map((token) => refused(() => redeem(tokens, token, ME)));
  const [first] = answers;
  t.match(first, { code: 'invalid_token' });
  for (const each of answers) t.same(each, first);
});

t.test('a list shows what is left of each token and no secret', async (t) => {
  const { tokens, world } = make();
  const first = tokens.issue('a', { uses: 2, uid: 7, seconds: 60, mayRenew: true }, UID);
  world.pass(1000);
  const second = tokens.issue('a', anybody, UID);
  tokens.issue('b', anybody, UID);
  redeem(tokens, first.token, user(7));
  const createdAt = world.clock.now() - 1000;
  const rest = { uid: 7, mayRenew: true, createdAt, expires: createdAt + 60_000 };
  t.same(tokens.list('a'), [
    { id: first.info.id, usesLeft: 1, ...rest },
    {
      id: second.info.id,
      usesLeft: 1,
      uid: null,
      mayRenew: false,
      createdAt: world.clock.now(),
      expires: null,
    },
  ]);
  t.notMatch(JSON.stringify(tokens.list('a')), first.token);
  world.pass(59_000);
  t.match(tokens.list('a'), [{ id: second.info.id }], 'expired ones are gone');
  redeem(tokens, second.token, user(7));
  t.same(tokens.list('a'), []);
});

t.test('limits', async (t) => {
  const { tokens, world } = make();
  for (const uses of [0, -1, MAX_TOKEN_USES + 1, Number.NaN, 1.5]) {
    t.same(
      refused(() => tokens.issue('a', { ...anybody, uses }, UID)),
      {
        code: 'invalid_argument',
        message: 'uses must be 1 to 1000',
        refusal: { constraint: 'uses', requested: uses, possible: { min: 1, max: 1000 } },
      },
      `${uses} uses`,
    );
  }
  tokens.issue('b', { ...anybody, uses: MAX_TOKEN_USES }, UID);
  for (let i = 0; i < MAX_TOKENS_PER_BUFFER; i++)
    tokens.issue('a', { ...anybody, seconds: 1 }, UID);
  t.match(
    refused(() => tokens.issue('a', anybody, UID)),
    {
      code: 'limit_exceeded',
      refusal: { constraint: 'tokens', requested: 65, possible: { max: 64 } },
    },
  );
  t.equal(tokens.count('a'), MAX_TOKENS_PER_BUFFER);
  t.ok(tokens.issue('c', anybody, UID), 'each buffer has its own');
  world.pass(1000);
  t.ok(tokens.issue('a', anybody, UID), 'expired tokens make room');
  t.equal(tokens.count('a'), 1);
});

t.test('nobody uses up another’s', async (t) => {
  const { tokens } = make();
  const other = UID + 1;
  for (let i = 0; i < MAX_TOKENS_PER_BUFFER; i++) tokens.issue('a', anybody, other);
  t.equal(refused(() => tokens.issue('a', anybody, other)).code, 'limit_exceeded');
  const { token } = tokens.issue('a', anybody, UID);
  t.equal(redeem(tokens, token, ME).target, 'a', 'its owner shares it all the same');

  let target = 0;
  const fill = () => {
    target++;
    for (let i = 0; i < MAX_TOKENS_PER_BUFFER; i++) tokens.issue(`${target}`, anybody, other);
  };
  const { refusal } = refused(() => {
    for (;;) fill();
  });
  t.match(refusal, { constraint: 'tokens', possible: { max: 0 } }, 'it has half of all');
  t.equal(target, MAX_TOKENS / 2 / MAX_TOKENS_PER_BUFFER);
  t.ok(tokens.issue('1', anybody, UID));
  tokens.revokeAll('1');
  t.doesNotThrow(fill, 'revoked ones make room');
});
