/**
 * Writes docs/errors.md from the catalogue of errors. `--check` writes nothing and fails where the
 * committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-errors-doc.js [--check]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../src/broker/errors.js';

const target = join(process.cwd(), 'docs/errors.md');
/** Numbers from here on are REST's own. */
const REST_ONLY = 100;

const entries = Object.entries(catalogue);
const text = `<!-- Generated from src/broker/errors.ts by scripts/generate-errors-doc.ts: do not edit. -->

# Errors

Every refusal has a code from this list; codes and numbers are stable. A client of the socket gets the
number in a \`failed\` event (enum \`refusal\` of dmabroker-v1.xml), a client of the REST API the code in a
problem document (RFC 9457, \`application/problem+json\`), and \`dmabrokerctl\` prints the code and exits
with 1.

A refusal carries, where it applies, both sides as JSON: \`constraint\` (the field or the limit that
failed), \`requested\` and \`possible\`. On the client socket that is the argument \`detail\` of \`failed\`
(where it is longer than a message, the content of \`long_detail\`'s memfd), in a problem document the member
\`refusal\`.

\`\`\`json
${JSON.stringify(
  {
    type: 'urn:dmabroker:error:unsupported_handle_type',
    title: catalogue.unsupported_handle_type.title,
    status: catalogue.unsupported_handle_type.status,
    detail: 'this daemon exports memfd, not dma_buf',
    instance: '/v1/buffers',
    code: 'unsupported_handle_type',
    request_id: '5f0c1a2b9d3e4f60',
    refusal: { constraint: 'handle_types', requested: ['dma_buf'], possible: ['memfd'] },
  },
  null,
  2,
)}
\`\`\`

## Of the broker

| code | number | HTTP status | meaning |
|---|---|---|---|
${rows(entries.filter(([, { number }]) => number < REST_ONLY))}

## Of the REST API alone

| code | HTTP status | meaning |
|---|---|---|
${entries
  .filter(([, { number }]) => number >= REST_ONLY)
  .map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`)
  .join('\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write(
      'docs/errors.md is not what src/broker/errors.ts says: run scripts/generate-errors-doc.ts\n',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}

function rows(list: typeof entries): string {
  return list
    .map(
      ([code, { number, status, title }]) => `| \`${code}\` | ${number} | ${status} | ${title} |`,
    )
    .join('\n');
}
