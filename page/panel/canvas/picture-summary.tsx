import { effect, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { summaryOf } from '../../state/summary.ts'
import { usePage } from '../page-context.ts'

/** A screen reader is told at most so often. */
const SPOKEN_EVERY_MS = 1_000

/** The picture in words: the canvas's name, and spoken when it changes. */
export function Summary({ canvas }: { canvas: HTMLCanvasElement }): VNode {
  const { store } = usePage().viewer
  const spoken = useSignal('')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    return effect(() => {
      const summary = summaryOf(store)
      canvas.setAttribute('aria-label', `Cells: ${summary}. Press question mark for keys.`)
      clearTimeout(timer)
      timer = setTimeout(() => {
        spoken.value = summary
      }, SPOKEN_EVERY_MS)
    })
  }, [])
  return (
    <p class="unseen" aria-live="polite">
      {spoken.value}
    </p>
  )
}
