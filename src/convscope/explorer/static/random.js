// @ts-check
/** Numbers that look random and are the same every time. */

/** Evenly distributed between 0 and 1. @param {number} seed a whole number above 0 @returns {() => number} */
export function uniforms(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Of mean 0 and std 1. @param {number} seed @returns {() => number} */
export function normals(seed) {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
