// The inner loops of the page's engine as WebAssembly text. The loops are the same for every blocking; only how many
// accumulators are written out differs, which is why a program writes them. See docs/decisions/0009-page-engine.md.

const lines = (/** @type {(string | string[])[]} */ ...parts) => parts.flat().join("\n");
const range = (/** @type {number} */ count) => [...Array(count).keys()];

/** a × b + c on four numbers: in one step where the machine rounds once, in two where it rounds twice. */
const addTo = (
  /** @type {boolean} */ fused,
  /** @type {string} */ acc,
  /** @type {string} */ a,
  /** @type {string} */ b,
) =>
  fused
    ? `(local.set ${acc} (f32x4.relaxed_madd ${a} ${b} (local.get ${acc})))`
    : `(local.set ${acc} (f32x4.add (local.get ${acc}) (f32x4.mul ${a} ${b})))`;

/** Four numbers, none below the floor or above the ceiling; `pmax` is one instruction where `max` is seven. */
const between = (/** @type {string} */ numbers) =>
  `(f32x4.pmin (f32x4.pmax ${numbers} (local.get $least)) (local.get $most))`;

/**
 * Sums over patches: `units` units at `vectors` × 4 places at a time. The values of a patch stand at fixed distances
 * (offsets) from the place, so that nothing is gathered: a vector of 4 places is one load for each value of the patch.
 * Places count from `base`, which moves on by `next` from block to block: of depthwise units each has a map of its own.
 */
function patches(
  /** @type {string} */ name,
  /** @type {number} */ units,
  /** @type {number} */ vectors,
  /** @type {boolean} */ fused,
) {
  const cells = range(units).flatMap((unit) =>
    range(vectors).map((vector) => ({ unit, vector, acc: `$a${unit}_${vector}` })),
  );
  return lines(
    `(func (export "${name}")`,
    "  (param $places i32) (param $vectors i32) (param $offsets i32) (param $inputs i32) (param $weights i32)",
    "  (param $bias i32) (param $blocks i32) (param $out i32) (param $area i32) (param $base i32)",
    "  (param $next i32) (param $floor f32) (param $ceiling f32)",
    "  (local $p i32) (local $last i32) (local $o i32) (local $end i32) (local $w i32) (local $from i32) (local " +
      "$least v128) (local $most v128) (local $s v128)",
    range(vectors).map((vector) => `  (local $x${vector} v128) (local $b${vector} i32) (local $t${vector} i32)`),
    cells.map(({ acc }) => `  (local ${acc} v128)`),
    "  (local.set $least (f32x4.splat (local.get $floor)))",
    "  (local.set $most (f32x4.splat (local.get $ceiling)))",
    "  (local.set $last (i32.add (local.get $places) (i32.shl (local.get $vectors) (i32.const 3))))",
    "  (local.set $end (i32.add (local.get $offsets) (i32.shl (local.get $inputs) (i32.const 2))))",
    "  (local.set $from (local.get $weights))",
    "  (loop $block",
    "    (local.set $p (local.get $places))",
    "    (loop $place",
    range(vectors).map(
      (vector) =>
        `      (local.set $b${vector} (i32.add (local.get $base) (i32.load offset=${8 * vector} (local.get $p))))`,
    ),
    range(units).flatMap((unit) => [
      `      (local.set $a${unit}_0 (v128.load32_splat offset=${4 * unit} (local.get $bias)))`,
      ...range(vectors)
        .slice(1)
        .map((vector) => `      (local.set $a${unit}_${vector} (local.get $a${unit}_0))`),
    ]),
    "      (local.set $w (local.get $from))",
    "      (local.set $o (local.get $offsets))",
    "      (loop $input",
    "        (local.set $t0 (i32.load (local.get $o)))",
    range(vectors).map(
      (vector) => `        (local.set $x${vector} (v128.load (i32.add (local.get $b${vector}) (local.get $t0))))`,
    ),
    range(units).flatMap((unit) => [
      `        (local.set $s (v128.load32_splat offset=${4 * unit} (local.get $w)))`,
      ...range(vectors).map(
        (vector) => `        ${addTo(fused, `$a${unit}_${vector}`, "(local.get $s)", `(local.get $x${vector})`)}`,
      ),
    ]),
    `        (local.set $w (i32.add (local.get $w) (i32.const ${4 * units})))`,
    "        (local.set $o (i32.add (local.get $o) (i32.const 4)))",
    "        (br_if $input (i32.lt_u (local.get $o) (local.get $end))))",
    range(vectors).map(
      (vector) =>
        `      (local.set $t${vector} (i32.add (local.get $out) (i32.load offset=${8 * vector + 4} (local.get $p))))`,
    ),
    range(units).flatMap((unit) =>
      range(vectors).flatMap((vector) => [
        `      (v128.store (local.get $t${vector}) ${between(`(local.get $a${unit}_${vector})`)})`,
        `      (local.set $t${vector} (i32.add (local.get $t${vector}) (local.get $area)))`,
      ]),
    ),
    `      (local.set $p (i32.add (local.get $p) (i32.const ${8 * vectors})))`,
    "      (br_if $place (i32.lt_u (local.get $p) (local.get $last))))",
    `    (local.set $out (i32.add (local.get $out) (i32.mul (local.get $area) (i32.const ${units}))))`,
    `    (local.set $bias (i32.add (local.get $bias) (i32.const ${4 * units})))`,
    "    (local.set $base (i32.add (local.get $base) (local.get $next)))",
    `    (local.set $from (i32.add (local.get $from) (i32.mul (local.get $inputs) (i32.const ${4 * units}))))`,
    "    (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))",
    "    (br_if $block (local.get $blocks))))",
  );
}

/** Sums over everything below: 4 × `vectors` units at a time, each input for all of them. */
function connections(/** @type {number} */ vectors, /** @type {boolean} */ fused) {
  return lines(
    '(func (export "connections")',
    "  (param $input i32) (param $inputs i32) (param $weights i32) (param $bias i32) (param $blocks i32) (param " +
      "$out i32) (param $floor f32) (param $ceiling f32)",
    "  (local $x i32) (local $end i32) (local $s v128) (local $least v128) (local $most v128)",
    range(vectors).map((vector) => `  (local $a${vector} v128)`),
    "  (local.set $least (f32x4.splat (local.get $floor)))",
    "  (local.set $most (f32x4.splat (local.get $ceiling)))",
    "  (local.set $end (i32.add (local.get $input) (i32.shl (local.get $inputs) (i32.const 2))))",
    "  (loop $block",
    range(vectors).map((vector) => `    (local.set $a${vector} (v128.load offset=${16 * vector} (local.get $bias)))`),
    "    (local.set $x (local.get $input))",
    "    (loop $next",
    "      (local.set $s (v128.load32_splat (local.get $x)))",
    range(vectors).map((vector) => {
      const weights = `(v128.load offset=${16 * vector} (local.get $weights))`;
      return `      ${addTo(fused, `$a${vector}`, "(local.get $s)", weights)}`;
    }),
    `      (local.set $weights (i32.add (local.get $weights) (i32.const ${16 * vectors})))`,
    "      (local.set $x (i32.add (local.get $x) (i32.const 4)))",
    "      (br_if $next (i32.lt_u (local.get $x) (local.get $end))))",
    range(vectors).map(
      (vector) => `    (v128.store offset=${16 * vector} (local.get $out) ${between(`(local.get $a${vector})`)})`,
    ),
    `    (local.set $out (i32.add (local.get $out) (i32.const ${16 * vectors})))`,
    `    (local.set $bias (i32.add (local.get $bias) (i32.const ${16 * vectors})))`,
    "    (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))",
    "    (br_if $block (local.get $blocks))))",
  );
}

/** Copy maps row by row into larger ones whose edges stay as they are. Rows and maps are so many bytes apart there. */
function framing() {
  return lines(
    '(func (export "frame")',
    "  (param $from i32) (param $to i32) (param $maps i32) (param $rows i32) (param $columns i32) (param $row " +
      "i32) (param $map i32)",
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
    "      (local.set $t (i32.sub (i32.add (local.get $t) (local.get $row)) (i32.shl (local.get $columns) " +
      "(i32.const 2))))",
    "      (local.set $r (i32.sub (local.get $r) (i32.const 1)))",
    "      (br_if $line (local.get $r)))",
    "    (local.set $to (i32.add (local.get $to) (local.get $map)))",
    "    (local.set $maps (i32.sub (local.get $maps) (i32.const 1)))",
    "    (br_if $next (local.get $maps))))",
  );
}

/** One value for each 2 × 2 values, four at a time; `f32x4.max` or, with a factor of a quarter, `f32x4.add`. */
function halving(/** @type {string} */ name, /** @type {string} */ both) {
  const even = "i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27";
  const odd = "i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31";
  const pair = (/** @type {number} */ at) =>
    `(${both} (v128.load offset=${at} (local.get $a)) (v128.load offset=${at} (local.get $b)))`;
  return lines(
    `(func (export "${name}")`,
    "  (param $from i32) (param $to i32) (param $lines i32) (param $columns i32) (param $row i32) (param $skip " +
      "i32) (param $factor f32)",
    "  (local $c i32) (local $a i32) (local $b i32) (local $left v128) (local $right v128)",
    "  (loop $line",
    "    (local.set $c (i32.const 0))",
    "    (loop $four",
    "      (local.set $a (i32.add (local.get $from) (i32.shl (local.get $c) (i32.const 3))))",
    "      (local.set $b (i32.add (local.get $a) (local.get $row)))",
    `      (local.set $left ${pair(0)})`,
    `      (local.set $right ${pair(16)})`,
    "      (v128.store (i32.add (local.get $to) (i32.shl (local.get $c) (i32.const 2)))",
    "        (f32x4.mul (f32x4.splat (local.get $factor))",
    `          (${both} (${even} (local.get $left) (local.get $right)) (${odd} (local.get $left) (local.get ` +
      "$right)))))",
    "      ;; the last four may overlap those before them",
    "      (if (i32.lt_s (i32.add (local.get $c) (i32.const 4)) (local.get $columns))",
    "        (then",
    "          (local.set $c (i32.add (local.get $c) (i32.const 4)))",
    "          (if (i32.gt_s (i32.add (local.get $c) (i32.const 4)) (local.get $columns))",
    "            (then (local.set $c (i32.sub (local.get $columns) (i32.const 4)))))",
    "          (br $four))))",
    "    (local.set $from (i32.add (local.get $from) (local.get $skip)))",
    "    (local.set $to (i32.add (local.get $to) (i32.shl (local.get $columns) (i32.const 2))))",
    "    (local.set $lines (i32.sub (local.get $lines) (i32.const 1)))",
    "    (br_if $line (local.get $lines))))",
  );
}

/** Maps added to others, and nothing below the floor or above the ceiling. */
function adding() {
  return lines(
    '(func (export "add") (param $to i32) (param $from i32) (param $bytes i32) (param $floor f32) (param $ceiling f32)',
    "  (local $end i32) (local $least v128) (local $most v128)",
    "  (local.set $most (f32x4.splat (local.get $ceiling)))",
    "  (local.set $least (f32x4.splat (local.get $floor)))",
    "  (local.set $end (i32.add (local.get $to) (local.get $bytes)))",
    "  (loop $next",
    `    (v128.store (local.get $to) ${between("(f32x4.add (v128.load (local.get $to)) (v128.load (local.get $from)))")})`,
    "    (local.set $to (i32.add (local.get $to) (i32.const 16)))",
    "    (local.set $from (i32.add (local.get $from) (i32.const 16)))",
    "    (br_if $next (i32.lt_u (local.get $to) (local.get $end)))))",
  );
}

/**
 * The whole module as text.
 * @param {{ units: number, vectors: number, alone: number, wide: number, fused: boolean }} blocking
 */
export function moduleText({ units, vectors, alone, wide, fused }) {
  return lines(
    "(module",
    '(memory (export "memory") 1)',
    patches("patches", units, vectors, fused),
    patches("depthwise", 1, alone, fused),
    connections(wide, fused),
    framing(),
    halving("largest", "f32x4.max"),
    halving("mean", "f32x4.add"),
    adding(),
    ")\n",
  );
}
