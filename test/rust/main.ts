/** Builds the driver of conformance/ for who plays with it in a guest, which has no Rust: `node dist/test/rust/main.js`. */
import { build } from './cargo.js';

await build();
