// @ts-check
/** @typedef {{ title: string, steps: { changed: number | null, left: number | null }[] }} Ledger */
