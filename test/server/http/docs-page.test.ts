/** GET /docs: a page that shows the description, with nothing from elsewhere. */
import t from 'tap';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { startServer } from './support/server.js';

await withoutLeaks(t, 'the page of the description', async (t) => {
  t.test('it and all that it loads are there, from this server alone', async (t) => {
    const server = await startServer(t);
    const page = await server.request('GET', '/docs');
    conforms(t, 'GET', '/docs', page);
    t.equal(page.status, 200);
    t.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    const policy = page.headers['content-security-policy'] ?? '';
    t.match(policy, "default-src 'none'");
    t.notMatch(policy, /unsafe|https?:|\*/);
    t.equal(page.headers['referrer-policy'], 'no-referrer', 'what it loads would be refused else');

    const loaded = [...page.text.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
    t.same(loaded, [
      'data:,',
      '/docs/swagger-ui.css',
      '/docs/swagger-ui-bundle.js',
      '/docs/start.js',
    ]);
    for (const path of loaded.slice(1)) {
      const file = await server.request('GET', path);
      conforms(t, 'GET', path, file);
      t.equal(file.status, 200, path);
      t.notMatch(file.text, /@import|scarf/i);
      const type = path.endsWith('.css') ? 'text/css' : 'text/javascript';
      t.equal(
        file.headers['content-type'],
        `${type}; charset=utf-8`,
        'nosniff needs the right one',
      );
    }
  });

  t.test('the script shows the description that is served, and sends nothing', async (t) => {
    const server = await startServer(t);
    const bundle = await server.request('GET', '/docs/swagger-ui-bundle.js');
    t.match(bundle.text, 'SwaggerUIBundle');
    const { text } = await server.request('GET', '/docs/start.js');
    let options: Record<string, unknown> = {};
    new Function('SwaggerUIBundle', text)((given: Record<string, unknown>) => {
      options = given;
    });
    t.match(options, { url: '/openapi.yaml', supportedSubmitMethods: [], validatorUrl: null });
    t.equal((await server.request('GET', String(options.url))).status, 200);
  });

  t.test('there are no other files', async (t) => {
    const server = await startServer(t);
    const paths = ['/docs/LICENSE', '/docs/..%2Fpackage.json', '/docs/%2Fetc%2Fpasswd', '/docs/x'];
    for (const path of paths) {
      const answer = await server.request('GET', path);
      conforms(t, 'GET', path, answer);
      t.equal(answer.status, 400, path);
    }
    t.equal((await server.request('POST', '/docs')).status, 405);
  });
});
