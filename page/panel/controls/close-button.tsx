import type { VNode } from 'preact'
import { Icon } from './icons.tsx'

/** A cross. @param label what it ends */
export function CloseButton({ label, onClick }: { label: string; onClick(): void }): VNode {
  return (
    <button type="button" class="plain" aria-label={label} onClick={onClick}>
      <Icon name="close" />
    </button>
  )
}
