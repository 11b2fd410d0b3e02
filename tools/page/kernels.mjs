// The inner loops of the page's engine as WebAssembly text. The loops are the same for every blocking; only how many
// accumulators are written out differs, which is why a program writes them. See docs/decisions/0009-page-engine.md.

const lines = (/** @type {(string | string[])[]} */ ...parts) => parts.flat().join("\n");
const range = (/** @type {number} */ count) => [...Array(count).keys()];

/** a × b + c on four numbers: in one step where the machine rounds once, in two where it rounds twice. */
const addTo = (/** @type {boolean} */ fused, /** @type {string} */ acc, /** @type {string} */ a, /** @type {string} */ b) =>
  fused
    ? `(local.set ${acc} (f32x4.relaxed_madd ${a} ${b} (local.get ${acc})))`
    : `(local.set ${acc} (f32x4.add (local.get ${acc}) (f32x4.mul ${a} ${b})))`;

/**
 * Sums over patches: `units` units at `vectors` × 4 places at a time. The values of a patch stand at fixed distances
 * (offsets) from the place, so that nothing is gathered: a vector of 4 places is one load for each value of the patch.
 */
function patches(/** @type {number} */ units, /** @type {number} */ vectors, /** @type {boolean} */ fused) {
  const cells = range(units).flatMap((unit) => range(vectors).map((vector) => ({ unit, vector, acc: `$a${unit}_${vector}` })));
  return lines(
    "(func (export \"patches\")",
    "  (param $places i32) (param $vectors i32) (param $offsets i32) (param $inputs i32) (param $weights i32)",
    "  (param $bias i32) (param $blocks i32) (param $out i32) (param $area i32) (param $floor f32)",
    "  (local $p i32) (local $last i32) (local $o i32) (local $end i32) (local $w i32) (local $from i32) (local $least v128) (local $s v128)",
    range(vectors).map((vector) => `  (local $x${vector} v128) (local $b${vector} i32) (local $t${vector} i32)`),
    cells.map(({ acc }) => `  (local ${acc} v128)`),
    "  (local.set $least (f32x4.splat (local.get $floor)))",
    "  (local.set $last (i32.add (local.get $places) (i32.shl (local.get $vectors) (i32.const 3))))",
    "  (local.set $end (i32.add (local.get $offsets) (i32.shl (local.get $inputs) (i32.const 2))))",
    "  (local.set $from (local.get $weights))",
    "  (loop $block",
    "    (local.set $p (local.get $places))",
    "    (loop $place",
    range(vectors).map((vector) => `      (local.set $b${vector} (i32.load offset=${8 * vector} (local.get $p)))`),
    range(units).flatMap((unit) => [
      `      (local.set $a${unit}_0 (v128.load32_splat offset=${4 * unit} (local.get $bias)))`,
      ...range(vectors).slice(1).map((vector) => `      (local.set $a${unit}_${vector} (local.get $a${unit}_0))`),
    ]),
    "      (local.set $w (local.get $from))",
    "      (local.set $o (local.get $offsets))",
    "      (loop $input",
    "        (local.set $t0 (i32.load (local.get $o)))",
    range(vectors).map((vector) => `        (local.set $x${vector} (v128.load (i32.add (local.get $b${vector}) (local.get $t0))))`),
    range(units).flatMap((unit) => [
      `        (local.set $s (v128.load32_splat offset=${4 * unit} (local.get $w)))`,
      ...range(vectors).map((vector) => `        ${addTo(fused, `$a${unit}_${vector}`, "(local.get $s)", `(local.get $x${vector})`)}`),
    ]),
    `        (local.set $w (i32.add (local.get $w) (i32.const ${4 * units})))`,
    "        (local.set $o (i32.add (local.get $o) (i32.const 4)))",
    "        (br_if $input (i32.lt_u (local.get $o) (local.get $end))))",
    range(vectors).map((vector) => `      (local.set $t${vector} (i32.add (local.get $out) (i32.load offset=${8 * vector + 4} (local.get $p))))`),
    range(units).flatMap((unit) =>
      range(vectors).flatMap((vector) => [
        `      (v128.store (local.get $t${vector}) (f32x4.max (local.get $a${unit}_${vector}) (local.get $least)))`,
        `      (local.set $t${vector} (i32.add (local.get $t${vector}) (local.get $area)))`,
      ]),
    ),
    `      (local.set $p (i32.add (local.get $p) (i32.const ${8 * vectors})))`,
    "      (br_if $place (i32.lt_u (local.get $p) (local.get $last))))",
    `    (local.set $out (i32.add (local.get $out) (i32.mul (local.get $area) (i32.const ${units}))))`,
    `    (local.set $bias (i32.add (local.get $bias) (i32.const ${4 * units})))`,
    `    (local.set $from (i32.add (local.get $from) (i32.mul (local.get $inputs) (i32.const ${4 * units}))))`,
    "    (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))",
    "    (br_if $block (local.get $blocks))))",
  );
}

/** Sums over everything below: 4 × `vectors` units at a time, each input for all of them. */
function connections(/** @type {number} */ vectors, /** @type {boolean} */ fused) {
  return lines(
    "(func (export \"connections\")",
    "  (param $input i32) (param $inputs i32) (param $weights i32) (param $bias i32) (param $blocks i32) (param $out i32) (param $floor f32)",
    "  (local $x i32) (local $end i32) (local $s v128) (local $least v128)",
    range(vectors).map((vector) => `  (local $a${vector} v128)`),
    "  (local.set $least (f32x4.splat (local.get $floor)))",
    "  (local.set $end (i32.add (local.get $input) (i32.shl (local.get $inputs) (i32.const 2))))",
    "  (loop $block",
    range(vectors).map((vector) => `    (local.set $a${vector} (v128.load offset=${16 * vector} (local.get $bias)))`),
    "    (local.set $x (local.get $input))",
    "    (loop $next",
    "      (local.set $s (v128.load32_splat (local.get $x)))",
    range(vectors).map((vector) => `      ${addTo(fused, `$a${vector}`, "(local.get $s)", `(v128.load offset=${16 * vector} (local.get $weights))`)}`),
    `      (local.set $weights (i32.add (local.get $weights) (i32.const ${16 * vectors})))`,
    "      (local.set $x (i32.add (local.get $x) (i32.const 4)))",
    "      (br_if $next (i32.lt_u (local.get $x) (local.get $end))))",
    range(vectors).map((vector) => `    (v128.store offset=${16 * vector} (local.get $out) (f32x4.max (local.get $a${vector}) (local.get $least)))`),
    `    (local.set $out (i32.add (local.get $out) (i32.const ${16 * vectors})))`,
    `    (local.set $bias (i32.add (local.get $bias) (i32.const ${16 * vectors})))`,
    "    (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))",
    "    (br_if $block (local.get $blocks))))",
  );
}

/** Copy maps row by row into larger ones whose edges stay as they are. Rows and maps are so many bytes apart there. */
function framing() {
  return lines(
    "(func (export \"frame\")",
    "  (param $from i32) (param $to i32) (param $maps i32) (param $rows i32) (param $columns i32) (param $row i32) (param $map i32)",
    "  (local $r i32) (local $t i32) (local $c i32)",
    "  (loop $next",
    "    (local.set $r (local.get $rows))",
    "    (local.set $t (local.get $to))",
    "    (loop $line",
    "      (local.set $c (local.get $columns))",
    "      (block $rest",
    "        (loop $four",
    "          (br_if $rest (i32.lt_s (local.get $c) (i32.const 4)))",
    "          (v128.store (local.get $t) (v128.load (local.get $from)))",
    "          (local.set $from (i32.add (local.get $from) (i32.const 16)))",
    "          (local.set $t (i32.add (local.get $t) (i32.const 16)))",
    "          (local.set $c (i32.sub (local.get $c) (i32.const 4)))",
    "          (br $four)))",
    "      (block $done",
    "        (loop $one",
    "          (br_if $done (i32.eqz (local.get $c)))",
    "          (i32.store (local.get $t) (i32.load (local.get $from)))",
    "          (local.set $from (i32.add (local.get $from) (i32.const 4)))",
    "          (local.set $t (i32.add (local.get $t) (i32.const 4)))",
    "          (local.set $c (i32.sub (local.get $c) (i32.const 1)))",
    "          (br $one)))",
    "      (local.set $t (i32.sub (i32.add (local.get $t) (local.get $row)) (i32.shl (local.get $columns) (i32.const 2))))",
    "      (local.set $r (i32.sub (local.get $r) (i32.const 1)))",
    "      (br_if $line (local.get $r)))",
    "    (local.set $to (i32.add (local.get $to) (local.get $map)))",
    "    (local.set $maps (i32.sub (local.get $maps) (i32.const 1)))",
    "    (br_if $next (local.get $maps))))",
  );
}

/** The whole module as text. @param {{ units: number, vectors: number, wide: number, fused: boolean }} blocking */
export function moduleText({ units, vectors, wide, fused }) {
  return lines("(module", "(memory (export \"memory\") 1)", patches(units, vectors, fused), connections(wide, fused), framing(), ")\n");
}
