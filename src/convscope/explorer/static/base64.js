// @ts-check
/** Bytes and deflated text from base64, and base64 of bytes. */

/**
 * @param {string} text base64
 * @returns {Uint8Array}
 */
export function bytesOf(text) {
  const native = /** @type {any} */ (Uint8Array).fromBase64; // where the browser has it, several times as fast
  if (native) return native.call(Uint8Array, text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index++) bytes[index] = letters.charCodeAt(index);
  return bytes;
}

/** @param {string} text base64 of deflated text @returns {Promise<string>} */
export function inflatedText(text) {
  const stream = new Blob([/** @type {BlobPart} */ (bytesOf(text))]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("deflate"))).text();
}

/** @param {Uint8Array} bytes @returns {string} */
export function base64Of(bytes) {
  const native = /** @type {any} */ (bytes).toBase64;
  if (native) return native.call(bytes);
  let letters = "";
  for (let index = 0; index < bytes.length; index += 8192)
    letters += String.fromCharCode(...bytes.subarray(index, index + 8192));
  return btoa(letters);
}
