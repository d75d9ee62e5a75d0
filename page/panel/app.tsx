import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { historyKeys } from '../keyboard.ts'
import { Drawer } from './drawer.tsx'
import { HelpSheet } from './help-sheet.tsx'
import { type PageContext, PageContextProvider } from './page-context.ts'
import { Panel } from './panel.tsx'
import { Stage } from './stage.tsx'
import { Toolbar } from './toolbar.tsx'

/** Below it the panel would cover the picture: it starts folded and lies over it. */
const NARROW_PX = 560

/** The whole page. */
export function App({ page }: { page: PageContext }): VNode {
  const isPanelOpen = useSignal(document.documentElement.clientWidth >= NARROW_PX)
  const isHelpOpen = useSignal(false)
  const isDrawerOpen = useSignal(false)
  const search = useRef<HTMLInputElement>(null)
  const openSearch = () => {
    // At once where it can be: the next letters may come before the next drawing of the page, and belong to the box.
    search.current?.focus()
    if (isPanelOpen.value) return
    isPanelOpen.value = true
    requestAnimationFrame(() => search.current?.focus())
  }
  useEffect(() => {
    const keys = historyKeys(page.history)
    addEventListener('keydown', keys)
    return () => removeEventListener('keydown', keys)
  }, [])
  return (
    <PageContextProvider.Provider value={page}>
      <main class="viewer" data-panel={isPanelOpen.value ? 'open' : 'folded'}>
        <div class="left">
          <Stage onSearch={openSearch} onHelp={() => (isHelpOpen.value = true)} />
          <Drawer isOpen={isDrawerOpen} />
        </div>
        <Toolbar isPanelOpen={isPanelOpen} isDrawerOpen={isDrawerOpen} onHelp={() => (isHelpOpen.value = true)} />
        <Panel isOpen={isPanelOpen.value} search={search} />
        <HelpSheet isOpen={isHelpOpen} />
      </main>
    </PageContextProvider.Provider>
  )
}
