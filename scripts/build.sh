#!/usr/bin/env bash
# Compiles everything: the shim (C), TypeScript (src, test, bench, scripts), the daemon's bundle, the library.
source "$(dirname "$0")/setup.sh"

# Nothing to do where nothing has changed: a folder is newer, too, when a file of it is gone (or a C program beside was made in its
# build/, perhaps after this has begun: that is no change, and to build anew would be in the way of who runs what is there). What is
# named is what the compilers read, scripts/ with this file among it.
native=dist/native/linux-$(node -p process.arch)
mkdir -p "$native"
# Whoever comes second waits, and finds that there is nothing to do.
exec {lock}>dist/.lock
flock "$lock"
# What is made of openapi.yaml, which nobody needs to read: before anything is looked at, since it is source.
types=src/rest/openapi.gen.ts
if [ ! -e $types ] || [ ! -e src/rest/description.gen.ts ] || [ -n "$(find openapi.yaml scripts/generate-openapi.ts -newer $types)" ]; then
  node_modules/.bin/esbuild scripts/generate-openapi.ts --log-level=warning --platform=node --format=esm --outfile=dist/.generate-openapi.js
  node dist/.generate-openapi.js
fi
stamp=dist/.built
if [ -e "$stamp" ] && [ -z "$(find src test bench conformance scripts examples package.json package-lock.json tsconfig.json \
  -name build -prune -o -newer "$stamp" \( -type d -exec test ! -e '{}/build' \; -o -name '*.ts' -o -name '*.c' -o -name '*.h' -o -name '*.json' -o -name '*.sh' \) -print -quit)" ]; then
  exit
fi
touch "$stamp.new"

# Of a fresh clone tsc would look at everything, for half a minute of a CPU. With what it said of the same files the last
# time, which it knows by their contents, it looks at what has changed since, as it does in a checkout that has been built.
types_digest=$(digest_of package-lock.json tsconfig.json)
fresh=
[ -e dist/.tsbuildinfo ] || fresh=1
if [ -n "$fresh" ] && [ -e "$(cache_folder)/typescript-$types_digest.tar" ]; then
  tar -C dist --no-same-owner -xf "$(cache_folder)/typescript-$types_digest.tar" || rm -f dist/.tsbuildinfo
fi
if [ ! -e "$native/dmabroker.so" ] || [ -n "$(find src/native/shim scripts/build-shim.sh -newer "$native/dmabroker.so")" ]; then
  bash scripts/build-shim.sh "${CC:-cc}" "$native"
fi
# What was compiled from a file that is gone would still run, a renamed test for one.
find dist -mindepth 1 -maxdepth 1 -type d ! -name native ! -name docs ! -name lib ! -name "bundle*" -print0 2>/dev/null |
  xargs -0 -r -I{} find {} -name '*.js' | while read -r compiled; do
  source=${compiled#dist/}
  [ -e "${source%.js}.ts" ] && continue
  # What is removed here must be compiled again when its source comes back.
  rm -f "$compiled" "$compiled.map" "${compiled%.js}.d.ts" dist/.tsbuildinfo
done
# It takes most of the time, on one CPU; what is bundled is read from the sources, beside it.
node_modules/.bin/tsc -p . &
compiling=$!
trap 'kill $compiling 2>/dev/null || true' EXIT
# The old files of a folder stay until the new ones are there.
replace() {
  rm -rf "$1.old"
  [ ! -d "$1" ] || mv "$1" "$1.old"
  mv "$1.new" "$1"
  rm -rf "$1.old"
}
# The daemon's threads and the command line.
node_modules/.bin/esbuild scripts/bundle.ts --log-level=warning --platform=node --format=esm --outfile=dist/.bundle.js
rm -rf dist/bundle.new
node dist/.bundle.js dist/bundle.new dist/.bundled.json
replace dist/bundle
# The client library for those who install the package: one file, which import and require load alike, so
# that nobody has two of it.
rm -rf dist/lib
node_modules/.bin/esbuild --bundle --platform=node --format=cjs --target=node20 --log-level=warning \
  --external:ffi-rs --define:import.meta.url=importMetaUrl \
  --banner:js="const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" \
  --outfile=dist/lib/client/index.js src/client/index.ts
# The tests.
node_modules/.bin/esbuild scripts/bundle-tests.ts --log-level=warning --platform=node --format=esm --outfile=dist/.bundle-tests.js
rm -rf dist/bundle-tests.new
node dist/.bundle-tests.js dist/bundle-tests.new
replace dist/bundle-tests
wait $compiling
trap - EXIT
if [ -n "$fresh" ]; then
  keep typescript "$types_digest" dist .tsbuildinfo src test bench conformance examples scripts
fi
# What is in them of others, under whose licences: they want to be with every copy.
node dist/scripts/bundled-licences.js dist/.bundled.json dist/bundle/LICENSES.txt
# The types that the library has.
node dist/scripts/library-types.js
# What GET /docs loads. @fastify/swagger-ui has Swagger UI's files without swagger-ui-dist's telemetry;
# they are under the Apache License, whose text it leaves out and typescript has.
mkdir -p dist/docs
cp node_modules/@fastify/swagger-ui/static/swagger-ui{-bundle.js,.css} dist/docs/
cp node_modules/typescript/LICENSE.txt dist/docs/LICENSE
mv "$stamp.new" "$stamp"
