import { useSignal } from '@preact/signals'

/** Rows that are there at once: more than a list on a tall screen has in sight, with some beyond either end. */
const ROWS = 60
const MARGIN_ROWS = 15

/**
 * Which rows of a long list are there, so that thousands cost as much as a few.
 * @param rowPx all rows are as tall
 * @param kept a row that has to be among them, where there is one: the marked one
 * @returns rows from `first` up to `end`, and how far the list is scrolled
 */
export function useWindowOfRows(count: number, rowPx: number, kept = -1) {
  const top = useSignal(0)
  const scrolled = Math.floor(top.value / rowPx) - MARGIN_ROWS
  const isFar = kept >= 0 && (kept < scrolled || kept >= scrolled + ROWS)
  const wanted = isFar ? kept - ROWS / 2 : scrolled
  const first = Math.max(0, Math.min(wanted, count - ROWS))
  const onScroll = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    top.value = currentTarget.scrollTop
  }
  return { first, end: Math.min(count, first + ROWS), onScroll }
}
