import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { historyKeys } from '../keyboard.ts'
import { Drawer } from './drawer.tsx'
import { HeightHandle } from './height-handle.tsx'
import { HelpSheet } from './help-sheet.tsx'
import { usePage } from './page-context.ts'
import { Panel } from './panel.tsx'
import { Stage } from './stage.tsx'
import { Toolbar } from './toolbar.tsx'

/** Below it the panel would cover the picture: it starts folded and lies over it. */
const NARROW_PX = 560

/** The whole page. */
export function App(): VNode {
  const { history } = usePage()
  const isPanelOpen = useSignal(document.documentElement.clientWidth >= NARROW_PX)
  const isHelpOpen = useSignal(false)
  const search = useRef<HTMLInputElement>(null)
  const openSearch = () => {
    // At once where it can be: the next letters may come before the next drawing of the page, and belong to the box.
    search.current?.focus()
    if (isPanelOpen.value) return
    isPanelOpen.value = true
    requestAnimationFrame(() => search.current?.focus())
  }
  useEffect(() => {
    const keys = historyKeys(history)
    addEventListener('keydown', keys)
    return () => removeEventListener('keydown', keys)
  }, [])
  return (
    <main class="viewer" data-panel={isPanelOpen.value ? 'open' : 'folded'}>
      <div class="left">
        <Stage onSearch={openSearch} onHelp={() => (isHelpOpen.value = true)} />
        <Drawer />
      </div>
      <Toolbar isPanelOpen={isPanelOpen} onHelp={() => (isHelpOpen.value = true)} />
      <Panel isOpen={isPanelOpen.value} search={search} />
      <HeightHandle />
      <HelpSheet isOpen={isHelpOpen} />
    </main>
  )
}
