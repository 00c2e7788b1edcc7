/** Metas as gst_meta_serialize writes them. */

export function meta(name: string, content: Buffer, version = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(10 + name.length + content.length, 0);
  header.writeUInt32LE(name.length, 4);
  return Buffer.concat([header, Buffer.from(`${name}\0`), Buffer.from([version]), content]);
}

/** A GstVideoMeta of planes at these offsets, with rows of so many bytes. */
export function videoMeta(offsets: readonly number[], strides: readonly number[]): Buffer {
  const content = Buffer.alloc(36 + 16 * offsets.length);
  content.writeUInt32LE(offsets.length, 16);
  for (const [at, offset] of offsets.entries()) {
    content.writeBigUInt64LE(BigInt(offset), 20 + 8 * at);
  }
  for (const [at, stride] of strides.entries()) {
    content.writeInt32LE(stride, 20 + 8 * offsets.length + 4 * at);
  }
  return meta('GstVideoMeta', content);
}
