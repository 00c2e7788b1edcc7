/**
 * GET /docs: Swagger UI showing openapi.yaml, from files that scripts/build.sh puts into dist/docs.
 * Nothing comes from another host, and nothing is sent from the page: it has no token, and a POST of
 * a page has an `Origin`, which is refused.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { packageRoot } from '../../package-root.js';

/** Swagger UI's style sheet has its icons as `data:` URLs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>dmabroker</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<main id="description"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;

// validatorUrl: Swagger UI would ask validator.swagger.io otherwise. Nothing is sent from the page, so that
// it asks for no token either.
const START = `SwaggerUIBundle({
  url: '/openapi.yaml',
  dom_id: '#description',
  supportedSubmitMethods: [],
  validatorUrl: null,
  plugins: [
    () => ({
      wrapComponents: {
        authorizeBtn: () => () => null,
        authorizeOperationBtn: () => () => null,
      },
    }),
  ],
});
`;

/** Answers with the page. */
export function sendDocsPage(reply: FastifyReply): string {
  reply.type('text/html; charset=utf-8').header('content-security-policy', POLICY);
  return PAGE;
}

/** Read once: a megabyte and a half, which whoever may ask without a token would have in memory per request. */
const files = new Map<string, Promise<Buffer>>([['start.js', Promise.resolve(Buffer.from(START))]]);

/** Answers with a file that the page loads; openapi.yaml says which there are. */
export async function sendDocsFile(reply: FastifyReply, file: string): Promise<Buffer> {
  reply.type(file.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8');
  const known = files.get(file);
  if (known !== undefined) return known;
  const content = readFile(join(packageRoot, 'dist/docs', file));
  files.set(file, content);
  // It may be there the next time.
  content.catch(() => files.delete(file));
  return content;
}
