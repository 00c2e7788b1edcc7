/** Memory that a client brings is one line of the audit, and so is the client's release of it. */
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { eventually, TestDaemon } from '../../support/daemon.js';

t.test('import', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const client = await connect({ socket: daemon.clientSocket });
  const size = 4096;
  const made = await client.allocate({ kind: 'buffer', size, source: 'udmabuf' });
  const brought = await client.import({ kind: 'buffer', size, planes: made.planes });
  await brought.release();
  await made.release();
  const acts = () =>
    daemon.log
      .filter(({ component }) => component === 'audit')
      .map(({ act, buffer }) => [act, buffer]);
  await eventually(() => acts().length >= 4, 'all is told');
  t.same(acts(), [
    ['grant', made.id],
    ['import', brought.id],
    ['release', brought.id],
    ['release', made.id],
  ]);
  client.close();
});
