import { useComputed, useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { unplacedSentence } from '../state/unplaced.ts'
import { Stage } from './canvas/canvas-area.tsx'
import { Drawer } from './drawer/drawer.tsx'
import { HeightHandle } from './height-handle.tsx'
import { HelpSheet } from './help-sheet.tsx'
import { usePage } from './page-context.ts'
import { Panel } from './panel.tsx'
import { Toolbar } from './toolbar.tsx'

/** Below it the panel would cover the picture: it is folded until it is asked for, and lies over it. */
const NARROW_PX = 560

/** The whole page. */
export function App(): VNode {
  const { store } = usePage().viewer
  const { isPanelOpen } = store
  // A notebook may give a cell its width when it comes into sight.
  const width = useSignal(innerWidth)
  // Where something has to be chosen before there is a picture, the list is at hand.
  const isOpen = useComputed(() => isPanelOpen.value ?? (width.value >= NARROW_PX || unplacedSentence(store) !== null))
  const isHelpOpen = useSignal(false)
  const search = useRef<HTMLInputElement>(null)
  const openSearch = () => {
    // At once where it can be: the next letters may come before the next drawing of the page, and belong to the box.
    search.current?.focus()
    if (isOpen.value) return
    isPanelOpen.value = true
    requestAnimationFrame(() => search.current?.focus())
  }
  useEffect(() => {
    addEventListener('resize', () => (width.value = innerWidth))
  }, [])
  return (
    <main class="viewer">
      <div class="left">
        <Stage onSearch={openSearch} onHelp={() => (isHelpOpen.value = true)} />
        {/* Before what its buttons open. */}
        <Toolbar isPanelOpen={isOpen.value} onHelp={() => (isHelpOpen.value = true)} />
        <Drawer />
      </div>
      <Panel isOpen={isOpen.value} search={search} />
      <HeightHandle />
      <HelpSheet isOpen={isHelpOpen} />
    </main>
  )
}
