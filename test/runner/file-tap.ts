/**
 * What a test file has for `tap` in its bundle (scripts/bundle-tests.ts): tap itself, or, where several files share a
 * process (together.ts), the test that stands for the file, so that what it leaves to the end of the file is done then.
 */
import { type Test, t as tap } from 'tap';

let current: Pick<Test, keyof Test> = tap as unknown as Test;

export function beFor(test: Test): void {
  current = test;
}

export default new Proxy(tap, {
  get(_, name) {
    const value: unknown = Reflect.get(current, name);
    return typeof value === 'function' ? value.bind(current) : value;
  },
});
