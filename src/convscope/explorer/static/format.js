// @ts-check
/** Numbers as text: the only place where the page formats them. */

/**
 * A whole number with its thousands apart; the browser's own way takes longer than the network.
 * @param {number} count
 */
export function grouped(count) {
  return String(count).replace(/\B(?=([0-9]{3})+$)/g, ",");
}

/**
 * A large count in three digits: 74 k, 1.18 M.
 * @param {number} count
 */
export function inMillions(count) {
  if (count < 10_000) return grouped(count);
  return count < 1e6 ? `${rounded(count / 1e3, 3)}\u00a0k` : `${rounded(count / 1e6, 3)}\u00a0M`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** @param {number} rows @param {number} columns */
export function sides(rows, columns) {
  return `${columns}\u00a0×\u00a0${rows}`; // not to be broken
}

/**
 * A number in about three digits, of one width where possible, with a real minus.
 * @param {number} value
 */
export function short(value) {
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 10000) text = String(size);
  else if (size >= 10000 || size < 0.0005) text = size.toExponential(0).replace("e+", "e");
  else text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.0995 ? 2 : 3);
  return (value < 0 ? "−" : "") + text;
}

/**
 * The same for a narrow cell of a table.
 * @param {number} value
 */
export function narrow(value) {
  const size = Math.abs(value);
  const text =
    size >= 100 || Number.isInteger(value) ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size.toFixed(2);
  return size >= 10000 ? short(value) : (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** All digits of a 32-bit number. @param {number} value */
export function exact(value) {
  return String(Number(value.toPrecision(9))).replace("-", "−");
}

/** @param {number} probability */
export function percent(probability) {
  const text = (probability * 100).toFixed(1);
  if (text === "100.0") return probability === 1 ? "100 %" : ">99.9 %";
  if (text === "0.0") return probability === 0 ? "0 %" : "<0.1 %";
  return `${text} %`;
}

/**
 * Percent without decimals.
 * @param {number} fraction
 */
export function wholePercent(fraction) {
  return `${Math.round(100 * fraction)} %`;
}

/**
 * A distance as a multiple of another: no share of anything.
 * @param {number} ratio
 */
export function times(ratio) {
  return `${ratio.toFixed(2)} ×`;
}
/**
 * Percent in so many digits, zeros at the end left out.
 * @param {number} fraction
 * @param {number} digits
 */
export function percentIn(fraction, digits) {
  return `${rounded(100 * fraction, digits)} %`;
}

/**
 * A change of a fraction in percentage points, with its sign.
 * @param {number} change
 */
export function points(change) {
  const text = decimals(100 * Math.abs(change), 1);
  return `${text === "0.0" ? "±" : change < 0 ? "−" : "+"}${text}`;
}

/** @param {number} value @param {number} count of decimals */
export function decimals(value, count) {
  return value.toFixed(count);
}

/**
 * The number of so many digits that is nearest.
 * @param {number} value
 * @param {number} digits
 */
export function rounded(value, digits) {
  return Number(value.toPrecision(digits));
}

/** @param {number} bytes @returns {string} */
export function inBytes(bytes) {
  const units = /** @type {[number, string][]} */ ([
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ]);
  for (const [size, unit] of units) if (bytes >= size) return `${rounded(bytes / size, 3)}\u00a0${unit}`;
  return `${bytes}\u00a0B`;
}

/** @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
