import type { Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { SHORTCUTS } from '../input/keyboard.ts'
import { CloseButton } from './controls/close-button.tsx'

/** Keys and gestures. The browser's own dialog: it keeps focus inside and gives it back. */
export function HelpSheet({ isOpen }: { isOpen: Signal<boolean> }): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal()
  }, [isOpen.value])
  return (
    <dialog class="help" ref={dialog} aria-labelledby="help-title" onClose={() => (isOpen.value = false)}>
      <div class="row">
        <h2 id="help-title">Keys and gestures</h2>
        <CloseButton label="Close" onClick={() => dialog.current?.close()} />
      </div>
      <dl>
        {SHORTCUTS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
