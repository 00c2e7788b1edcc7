/**
 * Writes docs/errors.md from the catalogue of errors and the words of refusals. `--check` writes nothing and fails where the
 * committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-errors-doc.js [--check]`.
 */
import { catalogue } from '../src/memory/errors.js';
import { constraints, families, possibles } from '../src/memory/refusal-words.js';
import { generated } from './generated.js';

/** Numbers from here on are REST's own. */
const REST_ONLY = 100;

const entries = Object.entries(catalogue);
const text = `<!-- Generated from src/memory/errors.ts and refusal-words.ts by scripts/generate-errors-doc.ts: do not edit. -->

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

## The words of a refusal

\`requested\` is what was asked for, a value of the field's own kind. \`possible\` is a value, a list to choose from,
or an object of bounds. Beside them there may be

| member | meaning |
|---|---|
| \`nearest\` | an allocation's or a dry run's: the nearest request that would succeed, in the words of CreateBuffer (openapi.yaml), or null |
| \`quota\` | the quota that refused ([quotas.md](quotas.md)): \`scope\`, \`key\`, \`dimension\`, \`limit\`, \`in_use\`, \`lingering\` |
| \`taken_by\` | with \`name_taken\`: who has the [lasting name](lasting-memory.md): \`buffer\` (null while it is being made), \`client\`, \`pid\`, \`executable\`, \`unit\` |
| \`waited_ms\` | an allocation's that has waited for memory ([quotas.md](quotas.md#waiting-for-memory)): for how long |
| \`truncated\` | true: there was more, which \`long_detail\` has |

A later daemon may say words that are not here. The client library has the members in camelCase (\`inUse\`,
\`multipleOf\`), and the constraints as they are.

| \`constraint\` | what it is about |
|---|---|
${words(constraints)}
${Object.entries(families)
  .map(([form, about]) => `| ${form.includes('`') ? form : `\`${form}\``} | ${about} |`)
  .join('\n')}

| in \`possible\` | meaning |
|---|---|
${words(possibles)}
`;

generated('docs/errors.md', text, 'the catalogue in src/memory/errors.ts and refusal-words.ts');

function words(list: Readonly<Record<string, string>>): string {
  return Object.entries(list)
    .map(([word, meaning]) => `| \`${word}\` | ${meaning} |`)
    .join('\n');
}

function rows(list: typeof entries): string {
  return list
    .map(
      ([code, { number, status, title }]) => `| \`${code}\` | ${number} | ${status} | ${title} |`,
    )
    .join('\n');
}
