/** errno values with their names, in the shape of Node's own errors. */
import t from 'tap';
import { check, errnoName, SystemError } from '../../../src/native/libc/errno.js';

t.test('names', async (t) => {
  t.equal(errnoName(2), 'ENOENT');
  t.equal(errnoName(24), 'EMFILE');
  t.equal(errnoName(11), 'EAGAIN', 'not EWOULDBLOCK');
  t.equal(errnoName(95), 'ENOTSUP');
  t.equal(errnoName(4095), 'errno 4095');
});

t.test('errors', async (t) => {
  const error = new SystemError('connect', 111, '/x');
  t.match(error, { name: 'SystemError', code: 'ECONNREFUSED', errno: 111, syscall: 'connect' });
  t.equal(error.message, 'connect: ECONNREFUSED (/x)');
  t.equal(new SystemError('x', 1).message, 'x: EPERM');
});

t.test('check', async (t) => {
  t.equal(check('x', 5), 5);
  t.equal(check('x', 0), 0);
  t.throws(() => check('x', -11, 'why'), { message: 'x: EAGAIN (why)' });
});
