/** dmabroker_share_v1: tokens as they are asked for, who may redeem them, and what a share's end ends. */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_share_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { Bench, errorOf } from './support/bench.js';
import {
  ANY_UID,
  BUFFER,
  pair,
  REDEEMED,
  redeem,
  SHARE,
  share,
  type Terms,
} from './support/pair.js';

const { refusal } = dmabroker_manager_v1.enums;

t.test('tokens: uses, user, time', async (t) => {
  const { owner, other, world } = pair();
  const { uid } = owner.connection.client.peer;
  let id = REDEEMED;
  const first = (token: string) => redeem(other, token, ++id)[0];
  const made = (terms: Terms) => {
    const token = share(owner, terms);
    owner.request(dmabroker_share_v1, SHARE, 'destroy');
    owner.events();
    return token;
  };
  const failed = { name: 'dmabroker_buffer_v1.failed', values: [refusal.invalid_token] };
  const info = { name: 'dmabroker_buffer_v1.info' };
  t.match(first('nonsense'), failed);
  t.match(first(made({ uid: uid + 1 })), failed, 'another user’s');
  const twice = made({ uses: 2, uid, seconds: 5 });
  t.match(
    [1, 2, 3].map(() => first(twice)),
    [info, info, failed],
  );
  const short = made({ uses: 2, seconds: 5 });
  t.match(first(short), info);
  world.pass(5000);
  t.match(first(short), failed);
});

t.test(
  'a share of a buffer that fails after its object was destroyed fails as it does',
  async (t) => {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
    bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
    bench.events();
    bench.world.refuse(new BrokerError('out_of_memory', 'there is none'));
    t.match(bench.events(), [
      { name: 'dmabroker_share_v1.failed', values: [refusal.out_of_memory] },
    ]);
  },
);

t.test('a token that cannot be made', async (t) => {
  const { owner } = pair();
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 0, ANY_UID, 0, 0);
  t.match(owner.events(), [
    { object: SHARE, name: 'dmabroker_share_v1.failed', values: [refusal.invalid_argument] },
  ]);
  owner.request(dmabroker_share_v1, SHARE, 'revoke');
  owner.request(dmabroker_share_v1, SHARE, 'destroy');
  owner.broker.release([...owner.broker.buffers][0] as never, 'administrator');
  owner.events();
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
  t.match(owner.events(), [{ name: 'dmabroker_share_v1.failed', values: [refusal.not_found] }]);
});

t.test('a token with rights, and rights that there are not', async (t) => {
  const { owner, buffer } = pair();
  const { renew } = dmabroker_share_v1.enums.right;
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 2, 7, 60, renew);
  const [id] = owner.events();
  t.match(owner.broker.sharing.tokens.list(buffer), [
    { id: id?.values[0], usesLeft: 2, uid: 7, mayRenew: true },
  ]);
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE + 1, 1, ANY_UID, 0, 2);
  const { invalid_rights } = dmabroker_share_v1.enums.error;
  t.match(errorOf(owner.events()), { object: SHARE + 1, code: invalid_rights });
});

t.test('destroying a share keeps the token, revoking it does not', async (t) => {
  for (const request of ['destroy', 'revoke'] as const) {
    const { owner, other } = pair();
    const token = share(owner);
    owner.request(dmabroker_share_v1, SHARE, request);
    const [first] = redeem(other, token);
    t.equal(first?.name, `dmabroker_buffer_v1.${request === 'destroy' ? 'info' : 'failed'}`);
  }
});
